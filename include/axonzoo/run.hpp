#pragma once

#include <axonzoo/train/recipe.hpp>

namespace axonzoo {

/// The untemplated program behind every variant: command line, training, test, record. Returns the exit status.
int run_program(int argc, char** argv, const recipe& chosen);

template <class Variant>
int run(int argc, char** argv) {
  return run_program(argc, argv, recipe_of<Variant>());
}

}  // namespace axonzoo

#ifndef AXONZOO_SEPARATE_PROGRAM
#include <axonzoo/program.hpp>
#endif
