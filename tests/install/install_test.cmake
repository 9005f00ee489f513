# Run by ctest: installs parley (the static one from this build tree, the shared one from a build of
# its own), then configures, builds and runs the consumer against it.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

set(prefix ${WORK_DIR}/prefix)
set(consumer ${WORK_DIR}/consumer)
file(REMOVE_RECURSE ${prefix} ${consumer})
set(compiler -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -G Ninja)

if(KIND STREQUAL static)
  run(${CMAKE_COMMAND} --install ${BINARY_DIR} --prefix ${prefix})
else()
  set(build ${WORK_DIR}/build)
  run(${CMAKE_COMMAND} -S ${SOURCE_DIR} -B ${build} ${compiler} -DBUILD_SHARED_LIBS=ON
      -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DPARLEY_BUILD_TESTS=OFF
      -DPARLEY_BUILD_BENCHMARKS=OFF -DPARLEY_BUILD_EXAMPLES=OFF)
  run(${CMAKE_COMMAND} --build ${build})
  run(${CMAKE_COMMAND} --install ${build} --prefix ${prefix})

  # Only parley's own names leave the library: no symbol of OpenSSL, libsrtp2, libopus or libvpx.
  file(GLOB_RECURSE library ${prefix}/*/libparley.so)
  run(nm -D --defined-only ${library})
  string(REGEX MATCHALL "[0-9a-f]+ [A-Za-z] [^\n]+" symbols "${output}")
  list(LENGTH symbols count)
  if(count LESS 100)
    message(FATAL_ERROR "only ${count} exported symbols")
  endif()
  foreach(symbol IN LISTS symbols)
    if(NOT symbol MATCHES "parley")
      message(FATAL_ERROR "exported, but not parley's: ${symbol}")
    endif()
  endforeach()
endif()

run(${CMAKE_COMMAND} -S ${SOURCE_DIR}/tests/install/consumer -B ${consumer} ${compiler}
    -DCMAKE_PREFIX_PATH=${prefix})
run(${CMAKE_COMMAND} --build ${consumer})
run(${consumer}/consumer)

# pkg-config describes the same package.
file(GLOB_RECURSE pc ${prefix}/*/parley.pc)
get_filename_component(pc_dir ${pc} DIRECTORY)
run(${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${pc_dir} pkg-config --cflags --libs parley)
string(STRIP "${output}" flags)
separate_arguments(flags UNIX_COMMAND "${flags}")
if(KIND STREQUAL shared)
  get_filename_component(lib_dir ${pc_dir} DIRECTORY)
  list(APPEND flags -Wl,-rpath,${lib_dir})
endif()
run(${CXX} -std=c++20 ${SOURCE_DIR}/tests/install/consumer/main.cpp -o ${WORK_DIR}/pc_consumer ${flags})
run(${WORK_DIR}/pc_consumer)
