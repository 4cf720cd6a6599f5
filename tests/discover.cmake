# Makes one test of ctest out of each doctest case.
#
# The list is read from the program when ctest starts, and again whenever the program is newer than the list. A case is
# called <directory>/<case>, and its suite says how it is run:
#
#   TEST_SUITE("full:KIND")   label KIND-full: the long form, run by `ctest -L KIND-full` and `tests/run --full` only
#   TEST_SUITE("serial:NAME") never beside another test: cases that measure time or need both cores
#   any other suite           an ordinary test; the suite is a label

if(NOT DEFINED PARTAGE_DISCOVER_PROGRAM)
  set(PARTAGE_DISCOVER_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(partage_discover_tests target prefix)
    set(include_file ${CMAKE_CURRENT_BINARY_DIR}/${target}-include.cmake)
    file(GENERATE OUTPUT ${include_file} CONTENT "
set(PARTAGE_DISCOVER_PROGRAM [==[$<TARGET_FILE:${target}>]==])
set(PARTAGE_DISCOVER_PREFIX [==[${prefix}]==])
set(PARTAGE_DISCOVER_LIST [==[${CMAKE_CURRENT_BINARY_DIR}/${target}-tests.cmake]==])
set(PARTAGE_DISCOVER_DIRECTORY [==[${CMAKE_CURRENT_BINARY_DIR}]==])
set(PARTAGE_DISCOVER_ENVIRONMENT [==[${PARTAGE_TEST_ENVIRONMENT}]==])
include([==[${PARTAGE_DISCOVER_SCRIPT}]==])
")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${include_file})
  endfunction()
  return()
endif()

# From here on inside ctest.
cmake_policy(VERSION 3.25)
if(NOT EXISTS ${PARTAGE_DISCOVER_PROGRAM})
  add_test(${PARTAGE_DISCOVER_PREFIX}/NOT_BUILT ${PARTAGE_DISCOVER_PROGRAM})
  return()
endif()

if(${PARTAGE_DISCOVER_PROGRAM} IS_NEWER_THAN ${PARTAGE_DISCOVER_LIST}
    OR ${CMAKE_CURRENT_LIST_FILE} IS_NEWER_THAN ${PARTAGE_DISCOVER_LIST})
  execute_process(
    COMMAND ${PARTAGE_DISCOVER_PROGRAM} --list-test-cases --reporters=xml --no-colors=true
    WORKING_DIRECTORY ${PARTAGE_DISCOVER_DIRECTORY}
    OUTPUT_VARIABLE xml ERROR_VARIABLE errors RESULT_VARIABLE result TIMEOUT 60)
  if(NOT result EQUAL 0)
    # The test of this name fails as the program did, and so shows why.
    add_test(${PARTAGE_DISCOVER_PREFIX}/LIST ${PARTAGE_DISCOVER_PROGRAM} --list-test-cases)
    return()
  endif()

  # What would break a CMake list stands aside meanwhile.
  string(ASCII 1 semicolon)
  string(ASCII 2 open)
  string(ASCII 3 close)
  string(REPLACE ";" "${semicolon}" xml "${xml}")
  string(REPLACE "[" "${open}" xml "${xml}")
  string(REPLACE "]" "${close}" xml "${xml}")
  string(REGEX MATCHALL "<TestCase [^\n]*/>" cases "${xml}")

  set(script "")
  set(seen "")
  foreach(case IN LISTS cases)
    set(suite "")
    if(case MATCHES " testsuite=\"([^\"]*)\"")
      set(suite "${CMAKE_MATCH_1}")
    endif()
    string(REGEX MATCH " name=\"([^\"]*)\"" ignored "${case}")
    set(name "${CMAKE_MATCH_1}")
    if(name IN_LIST seen)
      set(name "${name} (twice: rename one)")
    endif()
    list(APPEND seen "${name}")

    foreach(text suite name)
      string(REPLACE "&lt${semicolon}" "<" ${text} "${${text}}")
      string(REPLACE "&gt${semicolon}" ">" ${text} "${${text}}")
      string(REPLACE "&quot${semicolon}" "\"" ${text} "${${text}}")
      string(REPLACE "&amp${semicolon}" "&" ${text} "${${text}}")
      string(REPLACE "${semicolon}" ";" ${text} "${${text}}")
      string(REPLACE "${open}" "[" ${text} "${${text}}")
      string(REPLACE "${close}" "]" ${text} "${${text}}")
    endforeach()
    string(REPLACE "\\" "\\\\" filter "${name}")
    string(REPLACE "," "\\," filter "${filter}")

    set(labels "${PARTAGE_DISCOVER_PREFIX}")
    set(more "")
    if(suite MATCHES "^full:(.*)$")
      set(labels "${labels};${CMAKE_MATCH_1}-full")
      set(more " TIMEOUT 14400")
    elseif(suite MATCHES "^serial:(.*)$")
      set(labels "${labels};${CMAKE_MATCH_1}")
      set(more " RUN_SERIAL TRUE")
    elseif(NOT suite STREQUAL "")
      set(labels "${labels};${suite}")
    endif()

    set(full_name "${PARTAGE_DISCOVER_PREFIX}/${name}")
    # A filter that finds no case is a failure, not a success.
    string(APPEND script
      "add_test([==[${full_name}]==] [==[${PARTAGE_DISCOVER_PROGRAM}]==] [==[--test-case=${filter}]==] --case-sensitive=true)\n"
      "set_tests_properties([==[${full_name}]==] PROPERTIES WORKING_DIRECTORY [==[${PARTAGE_DISCOVER_DIRECTORY}]==]"
      " LABELS [==[${labels}]==] ENVIRONMENT [==[${PARTAGE_DISCOVER_ENVIRONMENT}]==]"
      " FAIL_REGULAR_EXPRESSION [==[test cases: +0 ]==]${more})\n")
  endforeach()
  file(WRITE ${PARTAGE_DISCOVER_LIST} "${script}")
endif()

include(${PARTAGE_DISCOVER_LIST})
