# -DPARTAGE_DEFECT=name: builds the library with one defect of tests/defects, to see that a test catches it. The file concerned
# is copied into the build tree, changed there, and compiled in place of the original; the sources stay as they are.
#
# A defect is a text: lines "file", "program" and "case", then the old text and the new one:
#
#     file manager/container/condition.cpp
#     program proxy
#     case Condition: notify(n) wakes the n that wait longest
#     --- old
#     ...
#     --- new
#     ...

# Sets <prefix>_file, _program, _case, _old, _new from the text of a defect.
macro(partage_read_defect path prefix)
  file(READ ${path} ${prefix}_text)
  foreach(key IN ITEMS file program case)
    string(REGEX MATCH "(^|\n)${key} ([^\n]*)" _ "${${prefix}_text}")
    set(${prefix}_${key} "${CMAKE_MATCH_2}")
  endforeach()
  string(FIND "${${prefix}_text}" "--- old\n" ${prefix}_from)
  string(FIND "${${prefix}_text}" "--- new\n" ${prefix}_to)
  math(EXPR ${prefix}_from "${${prefix}_from} + 8")
  math(EXPR ${prefix}_length "${${prefix}_to} - ${${prefix}_from}")
  string(SUBSTRING "${${prefix}_text}" ${${prefix}_from} ${${prefix}_length} ${prefix}_old)
  math(EXPR ${prefix}_to "${${prefix}_to} + 8")
  string(SUBSTRING "${${prefix}_text}" ${${prefix}_to} -1 ${prefix}_new)
endmacro()

# Replaces the file of PARTAGE_DEFECT in the list of sources `variable`.
function(partage_plant_defect variable)
  set(path ${PROJECT_SOURCE_DIR}/tests/defects/${PARTAGE_DEFECT}.defect)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
  partage_read_defect(${path} defect)
  set(original ${PROJECT_SOURCE_DIR}/${defect_file})
  file(READ ${original} sound)
  string(REPLACE "${defect_old}" "${defect_new}" unsound "${sound}")
  if(sound STREQUAL unsound)
    message(FATAL_ERROR "defect ${PARTAGE_DEFECT}: its old text is not in ${defect_file}")
  endif()
  set(copy ${PROJECT_BINARY_DIR}/defect/${PARTAGE_DEFECT}.cpp)
  file(WRITE ${copy} "${unsound}")
  list(REMOVE_ITEM ${variable} ${original})
  list(APPEND ${variable} ${copy})
  set(${variable} ${${variable}} PARENT_SCOPE)
  message(STATUS "partage: built with the defect ${PARTAGE_DEFECT} in ${defect_file}")
endfunction()
