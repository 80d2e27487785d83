# simgpu::grpc: gRPC with Protobuf, and simgpu::protobuf: Protobuf alone, for the rooms that speak them.
#
# As shared libraries these are over fifty, with long names to look up in all of them: half the time of a start. With
# SIMGPU_STATIC_GRPC the archives of the distribution are linked instead, in the variant without TLS, which no socket of
# the kubelet uses.
add_library(simgpu_grpc INTERFACE)
add_library(simgpu::grpc ALIAS simgpu_grpc)
add_library(simgpu_protobuf INTERFACE)
add_library(simgpu::protobuf ALIAS simgpu_protobuf)
set(simgpu_static_libraries)
if(SIMGPU_STATIC_GRPC)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(simgpu_grpc_unsecure REQUIRED QUIET grpc++_unsecure protobuf re2 libcares)
  set(names ${simgpu_grpc_unsecure_STATIC_LIBRARIES} upb address_sorting)  # these two have no .pc file
  list(REMOVE_DUPLICATES names)
  set(others Threads::Threads)
  foreach(name IN LISTS names)
    find_library(simgpu_archive_${name} NAMES lib${name}.a)
    mark_as_advanced(simgpu_archive_${name})
    if(simgpu_archive_${name} AND NOT name MATCHES "^(z|rt|atomic|m|dl|pthread)$")
      list(APPEND simgpu_static_libraries "${simgpu_archive_${name}}")
    elseif(name MATCHES "^(grpc|absl|protobuf)")
      message(FATAL_ERROR "SIMGPU_STATIC_GRPC: lib${name}.a is missing; install it, or switch the option off")
    else()
      list(APPEND others "${name}")
    endif()
  endforeach()
  target_link_libraries(simgpu_grpc INTERFACE "$<LINK_GROUP:RESCAN,${simgpu_static_libraries}>" ${others})
  target_link_libraries(simgpu_protobuf INTERFACE "${simgpu_archive_protobuf}" z Threads::Threads)
else()
  target_link_libraries(simgpu_grpc INTERFACE gRPC::grpc++ protobuf::libprotobuf absl::synchronization)
  target_link_libraries(simgpu_protobuf INTERFACE protobuf::libprotobuf)
endif()
