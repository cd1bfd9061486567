# Read before anything is compiled: pip's build uses ccache where it is installed, with the settings of
# docker/build.sh. A second installation, in whatever environment, finds what was compiled before.
if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER AND NOT DEFINED ENV{CMAKE_CXX_COMPILER_LAUNCHER})
  find_program(VARSCOPE_CCACHE ccache)
  if(VARSCOPE_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_DEPEND=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${VARSCOPE_CCACHE})
  endif()
endif()
