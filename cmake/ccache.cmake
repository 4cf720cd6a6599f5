# Compiles through ccache where it is installed. The settings make clones and build directories share their results:
# paths below the source directory count as relative, and precompiled headers may be used.
find_program(PARTAGE_CCACHE ccache)
if(PARTAGE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${PARTAGE_CCACHE})
endif()
