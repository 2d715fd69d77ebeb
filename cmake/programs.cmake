# Flags of this repository's own targets (not of a consumer's), and programs made of one source file each.

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
  endif()
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  set(CMAKE_CXX_EXTENSIONS OFF)
endif()

add_library(axonzoo_flags INTERFACE)
target_compile_options(axonzoo_flags INTERFACE -Wall -Wextra)
if(NOT AXONZOO_PORTABLE)
  target_compile_options(axonzoo_flags INTERFACE -march=native)
endif()
# A program that calls nothing of LibTorch does not load it, although all programs link alike.
target_link_options(axonzoo_flags INTERFACE -Wl,--as-needed)

# axonzoo_add_programs(<folder>): each .cpp of the folder is a program of that name.
function(axonzoo_add_programs folder)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
  foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME_WE)
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE axonzoo::axonzoo axonzoo_flags)
  endforeach()
endfunction()
