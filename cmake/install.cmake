# Installs the headers and a CMake package, so that find_package(axonzoo) gives axonzoo::axonzoo, axonzoo::imaging and
# axonzoo_add_variants.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package "${CMAKE_INSTALL_DATADIR}/axonzoo/cmake")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/axonzooConfig.cmake.in"
                              "${PROJECT_BINARY_DIR}/package/axonzooConfig.cmake" INSTALL_DESTINATION "${package}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/axonzooConfigVersion.cmake" COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/axonzoo" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS axonzoo axonzoo_imaging EXPORT axonzooTargets)
install(EXPORT axonzooTargets NAMESPACE axonzoo:: DESTINATION "${package}")
install(FILES "${PROJECT_BINARY_DIR}/package/axonzooConfig.cmake" "${PROJECT_BINARY_DIR}/package/axonzooConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/dependencies.cmake" "${PROJECT_SOURCE_DIR}/cmake/find_libtorch.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/add_variants.cmake" "${PROJECT_SOURCE_DIR}/cmake/kernels.cmake" DESTINATION "${package}")
