# The build's vocabulary: parley_module, parley_umbrella, parley_test, parley_fuzz, parley_bench.

set_property(GLOBAL PROPERTY PARLEY_MODULES "")
set_property(GLOBAL PROPERTY PARLEY_MODULES_PRIVATE "")

# Flags of our own targets, never passed on to those who link us.
add_library(parley_build_flags INTERFACE)
target_compile_features(parley_build_flags INTERFACE cxx_std_20)
target_compile_options(parley_build_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  # Designated initialisers leave out what keeps its default.
  -Wno-missing-field-initializers
  # GCC 12 sees overlapping copies in std::string operator+ where there are none (GCC PR 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${PARLEY_WARNINGS_AS_ERRORS}>:-Werror>)
if(PARLEY_SANITIZE)
  add_compile_options(-fsanitize=${PARLEY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PARLEY_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Instrumentation hides initialisations from this warning, in std::regex for one; the other
    # presets keep it.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  if(PARLEY_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Asio's handlers contain fences, which GCC's ThreadSanitizer does not model; what they order is
    # also ordered by locks, which it does.
    add_compile_options(-Wno-tsan)
  endif()
endif()
if(PARLEY_LIBFUZZER)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# parley_module(NAME stun SOURCES a.cpp ... [DEPENDS base ...] [PRIVATE OpenSSL::Crypto ...]
#               [PUBLIC parley_asio ...])
# One library per module: a static library of its own, or in a shared build a part of libparley.
function(parley_module)
  cmake_parse_arguments(M "" "NAME" "SOURCES;DEPENDS;PRIVATE;PUBLIC" ${ARGN})
  set(target parley_${M_NAME})
  if(BUILD_SHARED_LIBS)
    add_library(${target} OBJECT ${M_SOURCES})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  else()
    add_library(${target} STATIC ${M_SOURCES})
  endif()
  add_library(parley::${M_NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${M_NAME})
  target_include_directories(${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:parley_build_flags>)
  foreach(dependency IN LISTS M_DEPENDS)
    target_link_libraries(${target} PUBLIC parley_${dependency})
  endforeach()
  target_link_libraries(${target} PUBLIC ${M_PUBLIC} PRIVATE ${M_PRIVATE})
  set_property(GLOBAL APPEND PROPERTY PARLEY_MODULES ${M_NAME})
  set_property(GLOBAL APPEND PROPERTY PARLEY_MODULES_PRIVATE ${M_PRIVATE} ${M_PUBLIC})
endfunction()

# parley::parley: all modules. A shared library with only parley's own symbols, or an interface to
# the static ones.
function(parley_umbrella)
  get_property(modules GLOBAL PROPERTY PARLEY_MODULES)
  get_property(privates GLOBAL PROPERTY PARLEY_MODULES_PRIVATE)
  if(BUILD_SHARED_LIBS)
    add_library(parley SHARED)
    foreach(module IN LISTS modules)
      target_sources(parley PRIVATE $<TARGET_OBJECTS:parley_${module}>)
    endforeach()
    list(REMOVE_DUPLICATES privates)
    target_link_libraries(parley PRIVATE ${privates})
    target_include_directories(parley
      PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
             $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_compile_features(parley PUBLIC cxx_std_20)
    set_target_properties(parley PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0)
    # One list of what is exported says more, and costs readers less, than a macro on every class.
    target_link_options(parley PRIVATE
      -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map)
    set_property(TARGET parley APPEND PROPERTY LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map)
  else()
    add_library(parley INTERFACE)
    foreach(module IN LISTS modules)
      target_link_libraries(parley INTERFACE parley_${module})
    endforeach()
  endif()
  add_library(parley::parley ALIAS parley)
endfunction()

# parley_test(NAME stun SOURCES a_test.cpp ... LINK parley_stun ...)
# One program per module; every test case is known to ctest by its name.
function(parley_test)
  cmake_parse_arguments(T "" "NAME" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(test_${T_NAME} ${T_SOURCES})
  target_include_directories(test_${T_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${T_NAME} PRIVATE parley_test_main parley_build_flags ${T_LINK})
  target_compile_definitions(test_${T_NAME} PRIVATE
    PARLEY_SOURCE_DIR="${PROJECT_SOURCE_DIR}" PARLEY_BINARY_DIR="${PROJECT_BINARY_DIR}")
  if(NOT T_LABELS)
    set(T_LABELS ${T_NAME})
  endif()
  catch_discover_tests(test_${T_NAME} TEST_PREFIX "${T_NAME}: " PROPERTIES LABELS "${T_LABELS}" TIMEOUT 300)
endfunction()

# parley_fuzz(NAME stun_message LINK parley_stun ...)
# tests/fuzz/NAME_fuzz.cpp with libFuzzer, or a program that replays tests/fuzz/corpus/NAME.
function(parley_fuzz)
  cmake_parse_arguments(F "" "NAME" "SOURCES;LINK" ${ARGN})
  set(target fuzz_${F_NAME})
  add_executable(${target} ${CMAKE_CURRENT_SOURCE_DIR}/${F_NAME}_fuzz.cpp ${F_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE parley_build_flags ${F_LINK})
  if(PARLEY_LIBFUZZER)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
    add_test(NAME "fuzz corpus: ${F_NAME}"
             COMMAND ${target} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${F_NAME})
    set_tests_properties("fuzz corpus: ${F_NAME}" PROPERTIES LABELS fuzz TIMEOUT 120)
  endif()
endfunction()

# parley_bench(NAME stun SOURCES ... LINK parley_stun ...)
function(parley_bench)
  cmake_parse_arguments(B "" "NAME" "SOURCES;LINK" ${ARGN})
  add_executable(bench_${B_NAME} ${B_NAME}_bench.cpp ${B_SOURCES})
  target_include_directories(bench_${B_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/bench)
  target_link_libraries(bench_${B_NAME} PRIVATE parley_build_flags benchmark::benchmark_main benchmark::benchmark ${B_LINK})
endfunction()
