# Flags of this repository's own targets (a consumer's are its own), the shared precompiled header, and programs of one file.

include_guard(GLOBAL)

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, ..." FORCE)
  endif()
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  set(CMAKE_CXX_EXTENSIONS OFF)

  find_program(AXONZOO_CCACHE ccache)
  if(AXONZOO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # The base directory lets a clone in another folder reuse what this one compiled.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${AXONZOO_CCACHE})
  endif()
endif()

add_library(axonzoo_flags INTERFACE)
target_compile_options(axonzoo_flags INTERFACE -Wall -Wextra)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False in g++ 12's own headers once inlined: std::string's operator+ (GCC bug 105651), unmasked AVX-512 (GCC bug 105593).
  target_compile_options(axonzoo_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(AXONZOO_SANITIZE)
  # -Og compiles in half of -O1's time and still runs the tests in seconds; line numbers are all that a report needs.
  target_compile_options(axonzoo_flags INTERFACE -Og -g1 -fno-omit-frame-pointer -fsanitize=address,undefined
                                                 -fno-sanitize-recover=undefined)
  target_link_options(axonzoo_flags INTERFACE -fsanitize=address,undefined)
elseif(NOT AXONZOO_PORTABLE)
  target_compile_options(axonzoo_flags INTERFACE -march=native)
endif()
# Programs link alike, and one that calls nothing of LibTorch does not load it; a variant program keeps only its own variant.
target_link_options(axonzoo_flags INTERFACE -Wl,--as-needed -Wl,--gc-sections)

include(kernels)

# LibTorch's headers cost 8 s a unit, read once for all targets that have the same flags. <torch/csrc/autograd/custom_function.h> would cost each unit a second
# more, since its templates are instantiated anew in each, and only nn/functions/ needs it.
if(TARGET axonzoo::libtorch)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/precompiled/unit.cpp" CONTENT "// carries the precompiled header\n")
  add_library(axonzoo_precompiled OBJECT EXCLUDE_FROM_ALL "${PROJECT_BINARY_DIR}/precompiled/unit.cpp")
  target_link_libraries(axonzoo_precompiled PRIVATE axonzoo::axonzoo axonzoo_flags)
  target_precompile_headers(axonzoo_precompiled PRIVATE <torch/nn/module.h>)
  if(AXONZOO_BUILD_PROGRAMS OR AXONZOO_BUILD_TESTS OR AXONZOO_BUILD_BENCHMARKS)  # a project that includes this one may need none
    axonzoo_add_kernels()
  endif()
endif()

# axonzoo_reaches_libtorch(<result> <source>...): whether any of the sources includes LibTorch, through our headers or itself.
function(axonzoo_reaches_libtorch result)
  set(${result} FALSE PARENT_SCOPE)
  set(waiting ${ARGN})
  set(seen "")
  while(waiting)
    list(POP_FRONT waiting file)
    if(file IN_LIST seen OR NOT EXISTS "${file}")
      continue()
    endif()
    list(APPEND seen "${file}")
    file(STRINGS "${file}" includes REGEX "^ *# *include *([<\"](axonzoo|torch|ATen|c10)/|\")")
    get_filename_component(folder "${file}" DIRECTORY)
    foreach(line IN LISTS includes)
      string(REGEX REPLACE ".*[<\"](.*)[>\"].*" "\\1" header "${line}")
      if(NOT header MATCHES "^(axonzoo|torch|ATen|c10)/")  # a neighbour
        list(APPEND waiting "${folder}/${header}")
        continue()
      endif()
      if(NOT header MATCHES "^axonzoo/")
        set(${result} TRUE PARENT_SCOPE)
        return()
      endif()
      list(APPEND waiting "${PROJECT_SOURCE_DIR}/include/${header}")
    endforeach()
  endwhile()
endfunction()

# axonzoo_link(<target>): the library, this build's flags, and the kernels and the precompiled header where LibTorch is included.
function(axonzoo_link target)
  get_target_property(sources ${target} SOURCES)
  axonzoo_reaches_libtorch(torch ${sources})
  if(torch)
    target_link_libraries(${target} PRIVATE axonzoo_kernels axonzoo_flags)
    target_precompile_headers(${target} REUSE_FROM axonzoo_precompiled)
  else()
    target_link_libraries(${target} PRIVATE axonzoo::imaging axonzoo_flags)
  endif()
endfunction()

# axonzoo_add_programs(<folder>): each .cpp of the folder is a program of that name.
function(axonzoo_add_programs folder)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
  foreach(source IN LISTS sources)
    get_filename_component(name "${source}" NAME_WE)
    add_executable(${name} "${source}")
    axonzoo_link(${name})
  endforeach()
endfunction()
