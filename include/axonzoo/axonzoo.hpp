#pragma once

// Everything. It reads LibTorch, so include it in the few units that train or segment; programs that only name a variant include
// axonzoo/fwd.hpp.

#include <axonzoo/data/open.hpp>
#include <axonzoo/data/write_phantoms.hpp>
#include <axonzoo/infer/automatic_masks.hpp>
#include <axonzoo/infer/predictor.hpp>
#include <axonzoo/infer/segment_files.hpp>
#include <axonzoo/infer/write_masks.hpp>
#include <axonzoo/measure/measured_image.hpp>
#include <axonzoo/measure/streamed_morphometrics.hpp>
#include <axonzoo/metrics/evaluate.hpp>
#include <axonzoo/metrics/mask_list.hpp>
#include <axonzoo/metrics/mask_rows.hpp>
#include <axonzoo/models/registry.hpp>
#include <axonzoo/parallel/ddp.hpp>
#include <axonzoo/parallel/single.hpp>
#include <axonzoo/precision/bf16.hpp>
#include <axonzoo/precision/fp32.hpp>
#include <axonzoo/precision/int8.hpp>
#include <axonzoo/pruning/alternate_slimming.hpp>
#include <axonzoo/pruning/disturbed_taylor.hpp>
#include <axonzoo/pruning/hessian.hpp>
#include <axonzoo/pruning/magnitude.hpp>
#include <axonzoo/pruning/none.hpp>
#include <axonzoo/pruning/one_step_slimming.hpp>
#include <axonzoo/pruning/random.hpp>
#include <axonzoo/pruning/taylor.hpp>
#include <axonzoo/report/export_instances.hpp>
#include <axonzoo/report/morphometric_page.hpp>
#include <axonzoo/report/overlay.hpp>
#include <axonzoo/run.hpp>
#include <axonzoo/train/train.hpp>
