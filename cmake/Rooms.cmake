# simgpu_add_room(NAME <room> SOURCES <files> [USES <rooms>] [PUBLIC <targets>] [PRIVATE <targets>])
#
# One library for a room. USES lists the rooms that its headers and sources may include: a room that is not listed is
# not linked. hack/lint.sh checks the includes themselves against the same table.
function(simgpu_add_room)
  cmake_parse_arguments(ROOM "" "NAME" "SOURCES;USES;PUBLIC;PRIVATE" ${ARGN})
  add_library(simgpu_${ROOM_NAME} STATIC ${ROOM_SOURCES})
  add_library(simgpu::${ROOM_NAME} ALIAS simgpu_${ROOM_NAME})
  target_include_directories(simgpu_${ROOM_NAME} PUBLIC "${CMAKE_SOURCE_DIR}/include"
                             PRIVATE "${CMAKE_SOURCE_DIR}/src")
  list(TRANSFORM ROOM_USES PREPEND simgpu::)
  target_link_libraries(simgpu_${ROOM_NAME} PUBLIC simgpu_flags ${ROOM_USES} ${ROOM_PUBLIC}
                        PRIVATE simgpu_warnings ${ROOM_PRIVATE})
endfunction()

# simgpu_add_test(NAME <name> SOURCES <files> [LINKS <targets>] [LABELS <labels>] [TIMEOUT <seconds>])
#
# A GoogleTest program; each of its tests is a ctest test of its own, so that tests run side by side and a hanging one is
# named.
function(simgpu_add_test)
  cmake_parse_arguments(TEST "" "NAME;TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 60)
  endif()
  if(NOT TEST_LABELS)
    set(TEST_LABELS unit)
  endif()
  add_executable(${TEST_NAME} ${TEST_SOURCES})
  target_include_directories(${TEST_NAME} PRIVATE "${CMAKE_SOURCE_DIR}/test" "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(${TEST_NAME} PRIVATE simgpu_warnings ${TEST_LINKS} GTest::gmock_main)
  gtest_discover_tests(${TEST_NAME} DISCOVERY_MODE PRE_TEST
                       PROPERTIES TIMEOUT ${TEST_TIMEOUT} LABELS "${TEST_LABELS}")
endfunction()

# simgpu_add_fuzzer(NAME <name> SOURCES <files> [LINKS <targets>])
#
# A libFuzzer program fuzz_<name>, which hack/fuzz.sh runs on test/fuzz/corpus/<name>. SIMGPU_SANITIZE must contain
# fuzzer-no-link, so that the rooms are instrumented; only the program itself links libFuzzer and its main().
function(simgpu_add_fuzzer)
  cmake_parse_arguments(FUZZER "" "NAME" "SOURCES;LINKS" ${ARGN})
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR NOT SIMGPU_SANITIZE MATCHES "fuzzer-no-link")
    message(FATAL_ERROR "Fuzz targets need clang and fuzzer-no-link in SIMGPU_SANITIZE: use the preset fuzz")
  endif()
  add_executable(fuzz_${FUZZER_NAME} ${FUZZER_SOURCES})
  target_include_directories(fuzz_${FUZZER_NAME} PRIVATE "${CMAKE_SOURCE_DIR}/test" "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(fuzz_${FUZZER_NAME} PRIVATE simgpu_warnings ${FUZZER_LINKS})
  target_link_options(fuzz_${FUZZER_NAME} PRIVATE -fsanitize=fuzzer)
endfunction()
