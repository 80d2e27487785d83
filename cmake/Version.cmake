# The commit that `--version` names: -DSIMGPU_COMMIT for builds from an archive or an image, else what git says.
set(SIMGPU_COMMIT "" CACHE STRING "Commit of these sources; asked from git if empty")
set(simgpu_commit "${SIMGPU_COMMIT}")
if(NOT simgpu_commit)
  execute_process(COMMAND git -C "${CMAKE_SOURCE_DIR}" rev-parse --short=12 HEAD
                  OUTPUT_VARIABLE simgpu_commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT simgpu_commit)
  set(simgpu_commit "unknown")
endif()
