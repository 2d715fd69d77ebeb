#pragma once

// Every public name of the axes, with its defaults, and nothing else: no LibTorch, no standard library. A program that
// only names a variant includes this and links the unit that instantiates it (see axonzoo_add_variants in docs/use-as-a-library.md).

namespace axonzoo {

// models
struct unet;
struct segnet;
struct sam;
struct sam_tiny;
struct med_sam;
struct med_sam_tiny;
struct neuro_sam;
struct neuro_sam_tiny;
struct neuro_sam_unet;
struct neuro_sam_unet_tiny;

// precision
struct fp32;
struct tf32;
struct bf16;
struct pure_bf16;
struct fp16;
struct int8;

// pruning
struct none;
struct random;
struct magnitude;
struct taylor;
struct hessian;
struct disturbed_taylor;
struct one_step_slimming;
struct alternate_slimming;
struct unstructured;
struct semi_structured;

// parallel
struct single;
struct ddp;
struct sharded;
struct tensor_parallel;

/// One optimisation variant of one model, as a type.
template <class Model, class Precision = fp32, class Pruning = none, class Parallel = single>
struct variant;

/// The whole program of a variant: parses the command line, trains, tests, writes its record. Returns the exit status.
template <class Variant>
int run(int argc, char** argv);

}  // namespace axonzoo
