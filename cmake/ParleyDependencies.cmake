# Every dependency as an imported target, found as the system packages install it. Read by the
# build and, installed beside parleyConfig.cmake, by those who link parley.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)

# libsrtp2, libopus and libvpx come with pkg-config files everywhere; vcpkg has CMake packages too,
# but under other names on other versions, so the one description that all share is used.
find_package(PkgConfig REQUIRED)
foreach(library IN ITEMS libsrtp2 opus vpx)
  if(NOT TARGET PkgConfig::${library})
    pkg_check_modules(${library} REQUIRED IMPORTED_TARGET GLOBAL ${library})
  endif()
endforeach()

# Standalone Asio is a set of headers without a package description of its own.
if(NOT TARGET parley_asio)
  find_path(PARLEY_ASIO_INCLUDE_DIR asio.hpp REQUIRED)
  mark_as_advanced(PARLEY_ASIO_INCLUDE_DIR)
  add_library(parley_asio INTERFACE IMPORTED GLOBAL)
  target_include_directories(parley_asio INTERFACE ${PARLEY_ASIO_INCLUDE_DIR})
  target_compile_definitions(parley_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)
  target_link_libraries(parley_asio INTERFACE Threads::Threads)
endif()
