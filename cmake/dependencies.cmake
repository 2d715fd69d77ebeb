# Finds everything that axonzoo's headers include; used by the build and, once installed, by find_package(axonzoo).

find_package(xtensor REQUIRED)
find_package(xsimd REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(Threads REQUIRED)

# VIGRA's package for Debian brings no CMake configuration.
if(NOT TARGET axonzoo::vigra)
  find_path(AXONZOO_VIGRA_INCLUDE vigra/impex.hxx)
  find_library(AXONZOO_VIGRA_LIBRARY vigraimpex)
  if(NOT AXONZOO_VIGRA_INCLUDE OR NOT AXONZOO_VIGRA_LIBRARY)
    message(FATAL_ERROR "VIGRA was not found: install it (Debian: libvigraimpex-dev).")
  endif()
  add_library(axonzoo::vigra SHARED IMPORTED GLOBAL)
  set_target_properties(
    axonzoo::vigra PROPERTIES IMPORTED_LOCATION "${AXONZOO_VIGRA_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES
                                                                           "${AXONZOO_VIGRA_INCLUDE}")
endif()

foreach(name IN ITEMS TIFF PNG JPEG)
  find_package(${name} REQUIRED)
endforeach()

if(NOT AXONZOO_SANITIZE)
  include("${CMAKE_CURRENT_LIST_DIR}/find_libtorch.cmake")
endif()
