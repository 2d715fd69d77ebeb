# axonzoo_add_variants(MODELS <m>... [PRECISIONS <p>...] [PRUNINGS <p>...] [PARALLELS <p>...]
#                      [HEADERS <file>...] [EXCLUDE <pattern>...] [ALSO <name>...] [TEST_OPTIONS <option>...]
#                      [TOGETHER <name>])
#
# One program for each combination, named model-precision-pruning-parallel. Where a list is missing, it is the default of
# axonzoo/fwd.hpp. Measured: reading LibTorch and the library costs a unit far more than a variant does, so all variants of a
# model are instantiated in one unit, the mains include only axonzoo/fwd.hpp, and what no variant changes is compiled once
# (axonzoo_program, axonzoo_kernels).
#
#   HEADERS       headers that define policies or models outside the zoo, in namespace axonzoo
#   EXCLUDE       combinations to leave out, as patterns like those of AXONZOO_VARIANTS
#   ALSO          single variants beside the product of the lists, as unet/fp16/none/single
#   TOGETHER      one unit of that name for all models, where each costs less than reading the library
#   TEST_OPTIONS  with them each program is also a ctest entry, run with these options and an --out of its own
#
# -DAXONZOO_VARIANTS="unet/*/none/*,segnet/bf16/*/single" picks some: * stands for any part of one name.

include_guard(GLOBAL)
include("${CMAKE_CURRENT_LIST_DIR}/kernels.cmake")

set(AXONZOO_VARIANTS "" CACHE STRING "Variants to build, as patterns: unet/*/none/*,segnet/bf16/*/single (empty: all)")

# Whether a name such as unet/bf16/none/ddp fits one of the patterns.
function(_axonzoo_fits result name patterns)
  set(${result} FALSE PARENT_SCOPE)
  string(REGEX REPLACE "[, ]+" ";" patterns "${patterns}")
  foreach(pattern IN LISTS patterns)
    string(REGEX REPLACE "([.+?^$()])" "\\\\\\1" pattern "${pattern}")
    string(REPLACE "*" "[^/]*" pattern "${pattern}")
    if(name MATCHES "^${pattern}$")
      set(${result} TRUE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# A policy that is not the zoo's comes from HEADERS, and the zoo has no header of its name.
function(_axonzoo_include_if_there text header)
  set(${text} "${${text}}#if __has_include(<${header}>)\n#include <${header}>\n#endif\n" PARENT_SCOPE)
endfunction()

function(axonzoo_add_variants)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TOGETHER" "MODELS;PRECISIONS;PRUNINGS;PARALLELS;HEADERS;EXCLUDE;ALSO;TEST_OPTIONS")
  if(NOT arg_MODELS OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "axonzoo_add_variants: expected MODELS <names> and no '${arg_UNPARSED_ARGUMENTS}'; see the top of "
                        "add_variants.cmake")
  endif()
  foreach(list_and_default IN ITEMS "PRECISIONS fp32" "PRUNINGS none" "PARALLELS single")
    string(REPLACE " " ";" list_and_default "${list_and_default}")
    list(GET list_and_default 0 list)
    if(NOT arg_${list})
      list(GET list_and_default 1 arg_${list})
    endif()
  endforeach()

  set(folder "${PROJECT_BINARY_DIR}/variants")
  if(NOT TARGET axonzoo_program)
    file(CONFIGURE OUTPUT "${folder}/program.cpp" CONTENT [=[
#define AXONZOO_SEPARATE_TASKS 1
#include <axonzoo/program.hpp>

// What AXONZOO_SEPARATE_PROGRAM leaves out of the models' units. Taking an address emits an inline function here.
[[gnu::used]] const auto axonzoo_run_program = &axonzoo::run_program;
[[gnu::used]] const auto axonzoo_ddp_connect = &axonzoo::ddp::connect;
[[gnu::used]] const auto axonzoo_sharded_connect = &axonzoo::sharded::connect;
[[gnu::used]] const auto axonzoo_tensor_parallel_connect = &axonzoo::tensor_parallel::connect;
]=])
    set(units "${folder}/program.cpp")
    foreach(task IN ITEMS dense promptable)
      file(CONFIGURE OUTPUT "${folder}/${task}_task.cpp" @ONLY CONTENT [=[
#include <axonzoo/train/@task@_task.hpp>

[[gnu::used]] const auto axonzoo_make_@task@_task = &axonzoo::make_@task@_task;
]=])
      list(APPEND units "${folder}/${task}_task.cpp")
    endforeach()
    add_library(axonzoo_program STATIC ${units})
    axonzoo_add_kernels()
    _axonzoo_link_unit(axonzoo_program LIBRARY axonzoo_kernels)
  endif()

  set(headers "")
  foreach(header IN LISTS arg_HEADERS)
    get_filename_component(header "${header}" ABSOLUTE)
    string(APPEND headers "#include \"${header}\"\n")
  endforeach()
  set(axes model precision pruning parallel)
  foreach(index RANGE 1 3)
    list(GET axes ${index} axis)
    string(TOUPPER "${axis}S" policies)
    set(all ${arg_${policies}})
    foreach(name IN LISTS arg_ALSO)
      string(REPLACE "/" ";" parts "${name}")
      list(GET parts ${index} policy)
      list(APPEND all "${policy}")
    endforeach()
    list(REMOVE_DUPLICATES all)
    foreach(policy IN LISTS all)
      _axonzoo_include_if_there(headers "axonzoo/${axis}/${policy}.hpp")
    endforeach()
  endforeach()

  set(count 0)
  set(instances "")
  set(programs "")
  foreach(model IN LISTS arg_MODELS)
    set(names "")
    foreach(precision IN LISTS arg_PRECISIONS)
      foreach(pruning IN LISTS arg_PRUNINGS)
        foreach(parallel IN LISTS arg_PARALLELS)
          set(name "${model}/${precision}/${pruning}/${parallel}")
          _axonzoo_fits(excluded "${name}" "${arg_EXCLUDE}")
          if(NOT excluded)
            list(APPEND names "${name}")
          endif()
        endforeach()
      endforeach()
    endforeach()
    foreach(name IN LISTS arg_ALSO)
      if(name MATCHES "^${model}/")
        list(APPEND names "${name}")
      endif()
    endforeach()
    list(REMOVE_DUPLICATES names)
    foreach(name IN LISTS names)
      _axonzoo_fits(chosen "${name}" "${AXONZOO_VARIANTS}")
      if(NOT (chosen OR AXONZOO_VARIANTS STREQUAL ""))
        continue()
      endif()
      string(REPLACE "/" ";" parts "${name}")
      list(POP_FRONT parts first precision pruning parallel)
      set(type "axonzoo::variant<axonzoo::${model}, axonzoo::${precision}, axonzoo::${pruning}, axonzoo::${parallel}>")
      string(APPEND instances "template int axonzoo::run<${type}>(int, char**);\n")
      string(REPLACE "/" "-" program "${name}")
      file(CONFIGURE OUTPUT "${folder}/${program}.cpp" @ONLY CONTENT [[
#include <axonzoo/fwd.hpp>

namespace axonzoo {
struct @model@;
struct @precision@;
struct @pruning@;
struct @parallel@;
}  // namespace axonzoo

int main(int argc, char** argv) { return axonzoo::run<@type@>(argc, argv); }
]])
      list(APPEND programs "${program}")
      if(arg_TEST_OPTIONS)
        set(ranks "")
        if(NOT parallel STREQUAL "single")
          set(ranks --ranks 2)
        endif()
        add_test(NAME "run.${program}" COMMAND ${program} ${arg_TEST_OPTIONS} ${ranks} --out
                                               "${PROJECT_BINARY_DIR}/variant-runs/${program}")
        set_tests_properties("run.${program}" PROPERTIES TIMEOUT 300)
        if(ranks)
          set_tests_properties("run.${program}" PROPERTIES PROCESSORS 2)
        endif()
      endif()
    endforeach()
    list(GET arg_MODELS -1 last)
    if(NOT programs OR (arg_TOGETHER AND NOT model STREQUAL last))
      continue()
    endif()

    set(unit "${model}")
    if(arg_TOGETHER)
      set(unit "${arg_TOGETHER}")
    endif()
    set(model_headers "${headers}")
    _axonzoo_include_if_there(model_headers "axonzoo/models/${unit}.hpp")
    if(arg_TOGETHER)
      foreach(model IN LISTS arg_MODELS)
        _axonzoo_include_if_there(model_headers "axonzoo/models/${model}.hpp")
      endforeach()
    endif()
    file(CONFIGURE OUTPUT "${folder}/${unit}.cpp" @ONLY CONTENT [[
#define AXONZOO_SEPARATE_PROGRAM 1
@model_headers@#include <axonzoo/run.hpp>

@instances@]])
    add_library(axonzoo_variants_${unit} STATIC "${folder}/${unit}.cpp")
    _axonzoo_link_unit(axonzoo_variants_${unit} LIBRARY axonzoo_program)
    foreach(program IN LISTS programs)
      add_executable(${program} "${folder}/${program}.cpp")
      _axonzoo_link_unit(${program} PROGRAM axonzoo_variants_${unit})
      math(EXPR count "${count} + 1")
    endforeach()
    set(instances "")
    set(programs "")
  endforeach()
  get_property(calls GLOBAL PROPERTY axonzoo_variant_counts)
  if(NOT calls)
    cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL _axonzoo_require_variants)
  endif()
  set_property(GLOBAL APPEND PROPERTY axonzoo_variant_counts ${count})
  message(STATUS "axonzoo: ${count} variant programs of ${arg_MODELS}")
endfunction()

# A filter may leave a call without variants, but not all of them.
function(_axonzoo_require_variants)
  get_property(counts GLOBAL PROPERTY axonzoo_variant_counts)
  if(NOT counts MATCHES "[1-9]")
    message(FATAL_ERROR "axonzoo_add_variants: no variant fits AXONZOO_VARIANTS='${AXONZOO_VARIANTS}'; a pattern has four "
                        "parts, as unet/*/none/*")
  endif()
endfunction()
