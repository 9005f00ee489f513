# The installed package: find_package(parley), pkg-config, headers.
include(CMakePackageConfigHelpers)

get_property(modules GLOBAL PROPERTY PARLEY_MODULES)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/parley)
if(BUILD_SHARED_LIBS)
  install(TARGETS parley EXPORT parleyTargets)
else()
  list(TRANSFORM modules PREPEND parley_ OUTPUT_VARIABLE targets)
  install(TARGETS parley ${targets} EXPORT parleyTargets)
endif()
install(DIRECTORY include/parley DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT parleyTargets NAMESPACE parley:: DESTINATION ${package_dir})

configure_package_config_file(cmake/parleyConfig.cmake.in ${PROJECT_BINARY_DIR}/parleyConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/parleyConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/parleyConfig.cmake ${PROJECT_BINARY_DIR}/parleyConfigVersion.cmake
              cmake/ParleyDependencies.cmake DESTINATION ${package_dir})

if(NOT BUILD_SHARED_LIBS)
  # Static archives depend on one another: the order is highest layer first.
  list(REVERSE modules)
  list(TRANSFORM modules PREPEND -lparley_)
  list(JOIN modules " " PARLEY_PC_LIBS)
  set(PARLEY_PC_REQUIRES "Requires: openssl libsrtp2 opus vpx")
else()
  set(PARLEY_PC_LIBS "-lparley")
  set(PARLEY_PC_REQUIRES "")
endif()
# Relative to the file itself, so that the installed tree may move.
file(RELATIVE_PATH PARLEY_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/parley.pc.in ${PROJECT_BINARY_DIR}/parley.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/parley.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
