# Finds everything that axonzoo's headers include; used by the build and, once installed, by find_package(axonzoo).
# Why each: docs/dependencies.md.

find_package(xtensor REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Threads REQUIRED)
foreach(name IN ITEMS TIFF PNG JPEG ZLIB)
  find_package(${name} REQUIRED)
endforeach()

if(NOT AXONZOO_SANITIZE)
  include("${CMAKE_CURRENT_LIST_DIR}/find_libtorch.cmake")
endif()
