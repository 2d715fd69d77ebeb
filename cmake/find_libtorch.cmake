# Defines the target axonzoo::libtorch from a LibTorch folder (the PyPI wheel's torch/ or a LibTorch archive).
#
# The wheel's own find_package(Torch) is not used: the wheel is a CUDA build, and its configuration stops where there is no CUDA
# toolkit. The headers and two libraries are all the default build needs; libtorch_cuda.so is loaded at run time by
# `--device cuda`, so that programs start quickly and need no CUDA. With AXONZOO_CUDA=ON it is linked.
#
# Searched in this order: AXONZOO_TORCH (variable, then environment), Torch_DIR, CMAKE_PREFIX_PATH, the active Python,
# the private .venv in the source root that bootstrap.sh makes, AXONZOO_TORCH_FALLBACK (where an installed axonzoo was built).
# Sets AXONZOO_TORCH_ROOT and AXONZOO_TORCH_VERSION.

include_guard(GLOBAL)

set(AXONZOO_TORCH "" CACHE PATH "LibTorch folder: holds include/ and lib/ (the PyPI wheel's torch/)")

function(_axonzoo_is_torch folder result)
  set(${result} FALSE PARENT_SCOPE)
  if(EXISTS "${folder}/lib/libtorch_cpu.so" AND EXISTS "${folder}/include/ATen/ATen.h")
    set(${result} TRUE PARENT_SCOPE)
  endif()
endfunction()

function(_axonzoo_torch_of_python python result)
  set(${result} "" PARENT_SCOPE)
  if(NOT EXISTS "${python}")
    return()
  endif()
  # find_spec does not import torch: that would take seconds.
  execute_process(
    COMMAND "${python}" -c
            "import importlib.util as u, os; s = u.find_spec('torch'); print(os.path.dirname(s.origin) if s and s.origin else '')"
    OUTPUT_VARIABLE folder ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

function(_axonzoo_find_torch_root result)
  if(NOT AXONZOO_TORCH STREQUAL "" OR NOT "$ENV{AXONZOO_TORCH}" STREQUAL "")
    set(named "${AXONZOO_TORCH}")
    if(named STREQUAL "")
      set(named "$ENV{AXONZOO_TORCH}")
    endif()
    _axonzoo_is_torch("${named}" good)
    if(NOT good)
      message(FATAL_ERROR "AXONZOO_TORCH is '${named}', which holds no LibTorch; name the folder that holds "
                          "include/ATen/ATen.h and lib/libtorch_cpu.so.")
    endif()
    set(${result} "${named}" PARENT_SCOPE)
    return()
  endif()

  set(candidates "")
  foreach(prefix IN LISTS Torch_DIR CMAKE_PREFIX_PATH)
    list(APPEND candidates "${prefix}" "${prefix}/../.." "${prefix}/../../..")
  endforeach()
  string(REPLACE ":" ";" environment_prefixes "$ENV{CMAKE_PREFIX_PATH}")
  foreach(prefix IN LISTS environment_prefixes)
    list(APPEND candidates "${prefix}" "${prefix}/../.." "${prefix}/../../..")
  endforeach()
  foreach(candidate IN LISTS candidates)
    _axonzoo_is_torch("${candidate}" good)
    if(good)
      get_filename_component(candidate "${candidate}" ABSOLUTE)
      set(${result} "${candidate}" PARENT_SCOPE)
      return()
    endif()
  endforeach()

  find_program(_axonzoo_active_python NAMES python3 python NO_CACHE)
  foreach(python IN ITEMS "$ENV{VIRTUAL_ENV}/bin/python" "${_axonzoo_active_python}"
                          "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../.venv/bin/python")
    _axonzoo_torch_of_python("${python}" candidate)
    _axonzoo_is_torch("${candidate}" good)
    if(good)
      set(${result} "${candidate}" PARENT_SCOPE)
      return()
    endif()
  endforeach()

  _axonzoo_is_torch("${AXONZOO_TORCH_FALLBACK}" good)
  if(good)
    set(${result} "${AXONZOO_TORCH_FALLBACK}" PARENT_SCOPE)
    return()
  endif()
  message(FATAL_ERROR "LibTorch was not found: run ./bootstrap.sh build, or 'pip install torch' in the active Python, or set "
                      "-DAXONZOO_TORCH=<folder with include/ and lib/>.")
endfunction()

function(_axonzoo_define_libtorch)
  _axonzoo_find_torch_root(root)

  # 2.9 and later keep the numbers in headeronly/, earlier ones beside torch.h.
  set(version_file "${root}/include/torch/headeronly/version.h")
  if(NOT EXISTS "${version_file}")
    set(version_file "${root}/include/torch/csrc/api/include/torch/version.h")
  endif()
  file(STRINGS "${version_file}" lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
  set(numbers "")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE ".* ([0-9]+).*" "\\1" number "${line}")
    list(APPEND numbers "${number}")
  endforeach()
  list(JOIN numbers "." version)

  set(abi 1)
  set(configuration "${root}/share/cmake/Torch/TorchConfig.cmake")
  if(EXISTS "${configuration}")
    file(STRINGS "${configuration}" abi_line REGEX "_GLIBCXX_USE_CXX11_ABI=[01]")
    if(abi_line MATCHES "_GLIBCXX_USE_CXX11_ABI=([01])")
      set(abi "${CMAKE_MATCH_1}")
    endif()
  endif()

  foreach(library IN ITEMS c10 torch_cpu)
    add_library(axonzoo::${library} SHARED IMPORTED GLOBAL)
    set_target_properties(axonzoo::${library} PROPERTIES IMPORTED_LOCATION "${root}/lib/lib${library}.so")
  endforeach()

  # ProcessGroupGloo.hpp is empty without USE_C10D_GLOO; the wheel's library always has it, but not Gloo's headers.
  find_path(AXONZOO_GLOO_INCLUDE gloo/algorithm.h)
  if(NOT AXONZOO_GLOO_INCLUDE)
    message(FATAL_ERROR "Gloo's headers (gloo/algorithm.h), which LibTorch includes and does not bring, were not found: install "
                        "libgloo-dev or set -DAXONZOO_GLOO_INCLUDE=<folder that holds gloo/>.")
  endif()
  mark_as_advanced(AXONZOO_GLOO_INCLUDE)

  add_library(axonzoo::libtorch INTERFACE IMPORTED GLOBAL)
  target_include_directories(
    axonzoo::libtorch SYSTEM INTERFACE "${root}/include" "${root}/include/torch/csrc/api/include" "${AXONZOO_GLOO_INCLUDE}")
  target_compile_definitions(axonzoo::libtorch INTERFACE _GLIBCXX_USE_CXX11_ABI=${abi} USE_C10D_GLOO)
  target_link_libraries(axonzoo::libtorch INTERFACE axonzoo::torch_cpu axonzoo::c10)

  # at::parallel_for is a template that runs on one thread without -fopenmp; threads must come from the wheel's own runtime.
  target_compile_options(axonzoo::libtorch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
  file(GLOB openmp "${root}/lib/libgomp*.so*")
  if(openmp)
    list(GET openmp 0 openmp)
    add_library(axonzoo::openmp SHARED IMPORTED GLOBAL)
    set_target_properties(axonzoo::openmp PROPERTIES IMPORTED_LOCATION "${openmp}")
    target_link_libraries(axonzoo::libtorch INTERFACE axonzoo::openmp)
  else()
    target_link_options(axonzoo::libtorch INTERFACE -fopenmp)
  endif()

  if(AXONZOO_CUDA)
    _axonzoo_add_cuda("${root}")
  endif()
  set(AXONZOO_TORCH_ROOT "${root}" CACHE INTERNAL "LibTorch folder in use")
  set(AXONZOO_TORCH_VERSION "${version}" CACHE INTERNAL "LibTorch version in use")
  message(STATUS "axonzoo: LibTorch ${version} in ${root}")
endfunction()

# Headers of CUDA and NCCL come from the wheel's own nvidia/ folders, which are of its version, else from the toolkit.
function(_axonzoo_add_cuda root)
  file(GLOB wheel_folders "${root}/../nvidia/*/include")
  find_package(CUDAToolkit QUIET)
  set(hints ${wheel_folders} ${CUDAToolkit_INCLUDE_DIRS})
  find_path(AXONZOO_CUDA_INCLUDE cuda_runtime_api.h HINTS ${hints})
  find_path(AXONZOO_NCCL_INCLUDE nccl.h HINTS ${hints})
  if(NOT AXONZOO_CUDA_INCLUDE OR NOT AXONZOO_NCCL_INCLUDE OR NOT EXISTS "${root}/lib/libtorch_cuda.so")
    message(FATAL_ERROR "AXONZOO_CUDA=ON needs a CUDA build of LibTorch, cuda_runtime_api.h and nccl.h: install the CUDA "
                        "toolkit or the complete PyPI wheel (pip install torch), or configure with -DAXONZOO_CUDA=OFF.")
  endif()
  foreach(library IN ITEMS c10_cuda torch_cuda)
    add_library(axonzoo::${library} SHARED IMPORTED GLOBAL)
    set_target_properties(axonzoo::${library} PROPERTIES IMPORTED_LOCATION "${root}/lib/lib${library}.so")
  endforeach()
  target_include_directories(axonzoo::libtorch SYSTEM INTERFACE "${AXONZOO_CUDA_INCLUDE}" "${AXONZOO_NCCL_INCLUDE}")
  target_compile_definitions(axonzoo::libtorch INTERFACE AXONZOO_CUDA=1 USE_C10D_NCCL)
  # Operators register themselves when the library is loaded, and no symbol of ours need name it.
  target_link_libraries(axonzoo::libtorch INTERFACE -Wl,--no-as-needed axonzoo::torch_cuda axonzoo::c10_cuda -Wl,--as-needed)
endfunction()

_axonzoo_define_libtorch()
