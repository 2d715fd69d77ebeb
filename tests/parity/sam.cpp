// Encodes and decodes with a SAM: WEIGHTS INPUTS OUTPUTS, the latter two state dicts of torch.save. For sam.py.
#include <cstdio>
#include <exception>

#include <c10/core/InferenceMode.h>

#include <axonzoo/models/sam/sam.hpp>

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  try {
    const c10::InferenceMode no_gradients;
    const auto sam = axonzoo::read_sam(argv[1]);
    sam->eval();
    auto inputs = axonzoo::read_weights(argv[2]).tensors;
    const axonzoo::sam_prompts prompts{inputs["points"], inputs["labels"], inputs["boxes"], inputs["masks"]};
    axonzoo::tensor_file out;
    out.tensors["embedding"] = sam->encode(inputs.at("image"));
    for (const bool several : {false, true}) {
      const auto masks = sam->decode(out.tensors["embedding"], prompts, several);
      out.tensors[several ? "several_logits" : "logits"] = masks.logits;
      out.tensors[several ? "several_scores" : "scores"] = masks.scores;
    }
    axonzoo::write_pth(argv[3], out);
    std::printf("%s\n", sam->kind().name.c_str());
    return 0;
  } catch (const std::exception& wrong) {
    std::fprintf(stderr, "%s\n", wrong.what());
    return 1;
  }
}
