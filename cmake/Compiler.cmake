# Flags of every target of this project, and of generated code without the warnings.
add_library(simgpu_flags INTERFACE)
target_compile_options(simgpu_flags INTERFACE "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
if(SIMGPU_SANITIZE)
  target_compile_options(simgpu_flags INTERFACE -fsanitize=${SIMGPU_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(simgpu_flags INTERFACE -fsanitize=${SIMGPU_SANITIZE})
else()
  # Against what a bug in memory could be used for; hack/check-hardening.sh looks for all of it in the program. What needs
  # an optimiser, or costs without one, is for what is shipped.
  set(simgpu_hardening -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i[3-6]86)$")
    list(APPEND simgpu_hardening -fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    list(APPEND simgpu_hardening -mbranch-protection=standard)
  endif()
  target_compile_options(simgpu_flags INTERFACE -fstack-protector-strong
                         "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:${simgpu_hardening}>")
  target_link_options(simgpu_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
endif()

add_library(simgpu_warnings INTERFACE)
target_compile_options(simgpu_warnings INTERFACE -Wall -Wextra -Wpedantic $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local> -Wnon-virtual-dtor
                       -Wno-missing-field-initializers  # designated initializers leave the rest to its default
                       $<$<BOOL:${SIMGPU_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND SIMGPU_SANITIZE)
  # g++ 12 reports false positives of these when sanitizers change its optimisation.
  target_compile_options(simgpu_warnings INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow)
endif()
include(CheckPIESupported)
check_pie_supported()
