#pragma once

#include <memory>

namespace axonzoo {

class training_task;
struct dataset;
struct recipe;
struct split;
struct train_options;
class target_pixel_size;

/// Makes what a variant's network is trained for. Throws `error` for data that it cannot be trained on.
using task_maker = std::unique_ptr<training_task> (*)(const dataset&, const split&, const recipe&, const train_options&, const target_pixel_size&);

/// A `dense_task`: a class for each pixel.
std::unique_ptr<training_task> make_dense_task(const dataset& data, const split& parts, const recipe& chosen, const train_options& options, const target_pixel_size& pixel_size);

/// A `promptable_task`: a mask for each prompt.
std::unique_ptr<training_task> make_promptable_task(const dataset& data, const split& parts, const recipe& chosen, const train_options& options, const target_pixel_size& pixel_size);

}  // namespace axonzoo
