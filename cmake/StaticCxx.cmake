# What the rooms use of C++ libraries beside gRPC: simgpu::fmt, simgpu::spdlog and yaml-cpp::yaml-cpp.
#
# The dynamic loader looks up each class and template of a shared C++ library by its long name: more than half of its
# work at a start. With SIMGPU_STATIC_CXX no such library is left. yaml-cpp comes from its archive and spdlog from its
# headers; the functions of fmt are compiled here (src/base/fmt_library.cc), because Debian has an archive of neither. The
# C++ library of the compiler is linked from its archive, too. The preset bench leaves the option off: Google Benchmark is
# a shared library, and two copies of the C++ library should not meet in a program.
add_library(simgpu_fmt INTERFACE)
add_library(simgpu::fmt ALIAS simgpu_fmt)
add_library(simgpu_spdlog INTERFACE)
add_library(simgpu::spdlog ALIAS simgpu_spdlog)
find_package(fmt CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
set(simgpu_static_cxx)
if(SIMGPU_STATIC_CXX)
  find_library(SIMGPU_ARCHIVE_YAML_CPP NAMES libyaml-cpp.a REQUIRED)
  find_path(SIMGPU_HEADERS_YAML_CPP yaml-cpp/yaml.h REQUIRED)
  find_path(SIMGPU_HEADERS_FMT fmt/format-inl.h REQUIRED)
  find_path(SIMGPU_HEADERS_SPDLOG spdlog/spdlog-inl.h REQUIRED)
  mark_as_advanced(SIMGPU_ARCHIVE_YAML_CPP SIMGPU_HEADERS_YAML_CPP SIMGPU_HEADERS_FMT SIMGPU_HEADERS_SPDLOG)
  add_library(yaml-cpp::yaml-cpp STATIC IMPORTED)
  set_target_properties(yaml-cpp::yaml-cpp PROPERTIES IMPORTED_LOCATION "${SIMGPU_ARCHIVE_YAML_CPP}"
                        INTERFACE_INCLUDE_DIRECTORIES "${SIMGPU_HEADERS_YAML_CPP}")
  # The targets of fmt and spdlog without their libraries.
  target_include_directories(simgpu_fmt SYSTEM INTERFACE "${SIMGPU_HEADERS_FMT}")
  target_compile_definitions(simgpu_fmt INTERFACE $<TARGET_PROPERTY:fmt::fmt,INTERFACE_COMPILE_DEFINITIONS>)
  target_include_directories(simgpu_spdlog SYSTEM INTERFACE "${SIMGPU_HEADERS_SPDLOG}")
  target_compile_definitions(simgpu_spdlog INTERFACE
                             $<TARGET_PROPERTY:spdlog::spdlog_header_only,INTERFACE_COMPILE_DEFINITIONS>)
  foreach(name libstdc++.a libgcc_eh.a)
    execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=${name} OUTPUT_VARIABLE file
                    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    list(APPEND simgpu_static_cxx "${file}")
  endforeach()
  list(APPEND simgpu_static_cxx "${SIMGPU_ARCHIVE_YAML_CPP}" "${SIMGPU_HEADERS_FMT}/fmt/format-inl.h"
       "${SIMGPU_HEADERS_SPDLOG}/spdlog/spdlog-inl.h")
  add_link_options(-static-libstdc++ -static-libgcc)
else()
  find_package(yaml-cpp CONFIG REQUIRED)
  if(NOT TARGET yaml-cpp::yaml-cpp)  # before yaml-cpp 0.8 the target has no namespace
    add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
  endif()
  target_link_libraries(simgpu_fmt INTERFACE fmt::fmt)
  target_link_libraries(simgpu_spdlog INTERFACE spdlog::spdlog)
endif()
