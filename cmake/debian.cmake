# -DPARTAGE_PACKAGE=ON lays the installation out as Debian packages, which `cpack -G DEB` then writes; tools/package does both.
#
#   libpartage0.1    the shared library; the number is its soname's, so that two of them can stand beside each other
#   libpartage-dev   headers, libpartage.so, CMake and pkg-config files, examples
#   partage          the program, its man page and its unit for systemd; it has the library inside
#
# Each has in /usr/share/doc what the policy asks for: copyright, changelog.Debian.gz, and our own changelog.

set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(debian_version ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
set(PARTAGE_PACKAGE_CONTACT "Partage maintainers <maintainers@partage.example>" CACHE STRING "Maintainer of the packages")
set(soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

set(CPACK_PACKAGE_NAME partage)
set(CPACK_PACKAGE_VENDOR Partage)
set(CPACK_PACKAGE_CONTACT "${PARTAGE_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # or each package begins with it
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL library dev tools)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SOURCE partage)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libpartage${soversion})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
# The linker's cache is brought up to date by a trigger, as the policy has it. CPack 3.25 adds scripts that do the same.
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/triggers)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "shared lists, dicts and locks for C++ processes (library)
Partage gives C++ programs what multiprocessing.Manager gives Python programs:
lists, dicts, sets, values, queues and locks that several processes share as
if they were local. They live in shared memory, and any process may be killed
at any moment: the others go on with whole data.

This package is what a program needs to run.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libpartage-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
# Its headers include Boost's, and what links it links these two of Boost's libraries.
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libpartage${soversion} (= ${debian_version}), libboost1.81-dev, \
libboost-serialization1.81-dev, libboost-json1.81-dev")
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "partage, pkgconf, cmake")
set(CPACK_COMPONENT_DEV_DESCRIPTION "shared lists, dicts and locks for C++ processes (headers)
Partage gives C++ programs what multiprocessing.Manager gives Python programs:
lists, dicts, sets, values, queues and locks that several processes share as
if they were local.

This package is what a program needs to be built, and examples.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME partage)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "shared lists, dicts and locks for C++ processes (program)
Partage gives C++ programs what multiprocessing.Manager gives Python programs:
lists, dicts, sets, values, queues and locks that several processes share as
if they were local.

The program partage runs managers that outlive the programs that use them,
shows and changes what is in them, and clears up after them.")

# --- What the policy asks for ----------------------------------------------------------------------------------------

# The time of the last commit, which tools/package passes: the same sources make the same packages.
string(TIMESTAMP debian_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(cmake/debian/changelog.in debian/changelog @ONLY)
configure_file(CHANGELOG.md debian/changelog.upstream COPYONLY)
file(READ LICENSE debian_license)
string(STRIP "${debian_license}" debian_license)
string(REPLACE "\n\n" "\n.\n" debian_license "${debian_license}")
string(REPLACE "\n" "\n " debian_license "${debian_license}")
configure_file(cmake/debian/copyright.in debian/copyright @ONLY)

function(partage_gzip from to)
  execute_process(COMMAND gzip -9nc ${from} OUTPUT_FILE ${to} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
partage_gzip(${PROJECT_BINARY_DIR}/debian/changelog ${PROJECT_BINARY_DIR}/debian/changelog.Debian.gz)
partage_gzip(${PROJECT_BINARY_DIR}/debian/changelog.upstream ${PROJECT_BINARY_DIR}/debian/changelog.gz)
partage_gzip(${PROJECT_SOURCE_DIR}/manager/tool/partage.1 ${PROJECT_BINARY_DIR}/debian/partage.1.gz)
install(FILES ${PROJECT_BINARY_DIR}/debian/partage.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT tools)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS CHANGELOG.md LICENSE manager/tool/partage.1 cmake/debian/overrides)

# gdb loads this by itself with the library whose path and name it bears.
file(WRITE ${PROJECT_BINARY_DIR}/debian/auto-load.py
  "import gdb\ngdb.execute('source ${CMAKE_INSTALL_FULL_DATADIR}/partage/gdb/partage.py')\n")
install(FILES ${PROJECT_BINARY_DIR}/debian/auto-load.py RENAME libpartage.so.${PROJECT_VERSION}-gdb.py
  DESTINATION ${CMAKE_INSTALL_DATADIR}/gdb/auto-load${CMAKE_INSTALL_FULL_LIBDIR} COMPONENT dev)

foreach(component IN ITEMS library dev tools)
  string(TOUPPER ${component} key)
  install(FILES ${PROJECT_BINARY_DIR}/debian/copyright ${PROJECT_BINARY_DIR}/debian/changelog.Debian.gz
                ${PROJECT_BINARY_DIR}/debian/changelog.gz
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${key}_PACKAGE_NAME} COMPONENT ${component})
  # What lintian reports on purpose, with the reason; each package has its own part of it.
  file(STRINGS cmake/debian/overrides overrides REGEX "^(all|${component}): ")
  list(TRANSFORM overrides REPLACE "^[a-z]+: " "")
  list(JOIN overrides "\n" overrides)
  file(WRITE ${PROJECT_BINARY_DIR}/debian/overrides/${component} "${overrides}\n")
  install(FILES ${PROJECT_BINARY_DIR}/debian/overrides/${component} RENAME ${CPACK_DEBIAN_${key}_PACKAGE_NAME}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides COMPONENT ${component})
endforeach()

include(CPack)
