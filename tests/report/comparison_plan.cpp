#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/report/comparison_plan.hpp>
#include <axonzoo/report/comparison_runner.hpp>
#include <axonzoo/report/scratch_folder.hpp>

#include "made_record.hpp"

namespace {

using state = axonzoo::planned_run::state;

struct made_comparison {
  axonzoo::scratch_folder folder;
  axonzoo::comparison_options options;

  explicit made_comparison(const std::string& body = "finish") {
    for (const char* name : {"unet-fp32-none-single", "unet-bf16-none-single"}) write_program(folder / "bin", name, body);
    options.programs = folder / "bin";
    options.out = folder / "out";
    options.data = {"some data"};
    options.minutes = 1.5;
    options.test_subjects = {"a", "b"};
    options.further = {"--patch", "64"};
  }

  bool run(std::vector<axonzoo::planned_run>& plan) const {
    return axonzoo::run_comparison(plan, 1, [] {});
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(report_comparison_plan)

BOOST_AUTO_TEST_CASE(runs_and_then_has_nothing_to_do) {
  made_comparison made;
  made.options.repeats = 2;
  made.options.variants = "unet/{fp32,bf16,int8}/none/single";
  auto plan = axonzoo::plan_comparison(made.options);
  BOOST_REQUIRE(plan.size() == 5u);  // what is not built is named once
  BOOST_TEST(plan[0].arguments == (std::vector<std::string>{"--data", "some data", "--test-subjects", "a,b", "--minutes", "1.5",
                                                            "--seed", "1", "--patch", "64"}),
             boost::test_tools::per_element());
  BOOST_TEST((plan[2].how == state::missing));
  BOOST_TEST(contains(plan[2].run.reason, "has no program 'unet-int8-none-single'"));
  BOOST_TEST(made.run(plan));
  const auto run = made.options.out / "unet-fp32-none-single" / "seed-2";
  BOOST_TEST(text_of(run / "arguments.txt") ==
             "--data some data --test-subjects a,b --minutes 1.5 --seed 2 --patch 64 --out " + run.string() + "\n");
  const auto all = axonzoo::comparison_of(plan);
  BOOST_TEST(all.finished("unet/bf16/none/single").size() == 2u);
  BOOST_TEST(all.runs().at(1).seed == 2u);

  plan = axonzoo::plan_comparison(made.options);
  BOOST_TEST((plan[0].how == state::finished));
  BOOST_TEST(made.run(plan));
  BOOST_TEST(count_of(text_of(run / "arguments.txt"), "\n") == 1u);
}

BOOST_AUTO_TEST_CASE(a_failed_run_does_not_stop_the_others_and_is_resumed) {
  made_comparison made(
      "if [ \"$(basename \"$0\")\" = unet-fp32-none-single ] && [ ! -e \"$out/training_state.safetensors\" ]; then touch "
      "\"$out/training_state.safetensors\"; "
      "echo step 1; echo \"unet-fp32-none-single: cannot go on: no luck; try again\" >&2; exit 4; fi; finish");
  auto plan = axonzoo::plan_comparison(made.options);
  BOOST_TEST(made.run(plan));
  const auto all = axonzoo::comparison_of(plan);
  BOOST_TEST((all.runs()[0].how == axonzoo::compared_run::state::failed));
  BOOST_TEST(all.runs()[0].reason == "cannot go on: no luck; try again (exit status 4)");
  BOOST_TEST((all.runs()[1].how == axonzoo::compared_run::state::finished));

  plan = axonzoo::plan_comparison(made.options);
  BOOST_TEST((plan[0].how == state::unfinished));
  BOOST_TEST((plan[1].how == state::finished));
  BOOST_TEST(made.run(plan));
  BOOST_TEST((plan[0].run.how == axonzoo::compared_run::state::finished));
  BOOST_TEST(contains(text_of(plan[0].run.folder / "arguments.txt"), "--resume\n"));
}

BOOST_AUTO_TEST_CASE(other_options_make_a_run_anew_and_keep_the_earlier) {
  made_comparison made;
  auto plan = axonzoo::plan_comparison(made.options);
  BOOST_TEST(made.run(plan));
  made.options.further = {"--patch", "128"};
  plan = axonzoo::plan_comparison(made.options);
  BOOST_TEST((plan[0].how == state::other_options));
  BOOST_TEST(made.run(plan));
  const auto run = plan[0].run.folder;
  BOOST_TEST(contains(text_of(run / "arguments.txt"), "--patch 128"));
  BOOST_TEST(!contains(text_of(run / "arguments.txt"), "--resume"));
  BOOST_TEST(contains(text_of(run.string() + ".earlier/arguments.txt"), "--patch 64"));
}

BOOST_AUTO_TEST_CASE(options_of_some_variants) {
  made_comparison made;
  write_program(made.folder / "bin", "sam_tiny-fp32-none-single", "finish");
  std::tie(made.options.further, made.options.chosen) =
      axonzoo::read_program_options({"--patch", "64", "--turns", "4", "--for", "*sam*", "--weights", "a b.pth", "--minutes", "0",
                                     "--patch=32", "--for", "unet/{bf16,fp16}", "--epochs", "20"});
  made.options.variants = "unet/*/*/*,sam_tiny/fp32/none/single";
  const auto arguments = [&made](const std::vector<axonzoo::planned_run>& plan, const std::string& variant) {
    for (const auto& one : plan)
      if (one.run.variant() == variant) {
        std::string text;
        for (const auto& word : one.arguments) text += word + '|';
        return text;
      }
    return std::string("no " + variant);
  };
  auto plan = axonzoo::plan_comparison(made.options);
  const std::string data = "--data|some data|--test-subjects|a,b|";
  BOOST_TEST(arguments(plan, "unet/fp32/none/single") == data + "--minutes|1.5|--seed|1|--patch|64|--turns|4|");
  BOOST_TEST(arguments(plan, "unet/bf16/none/single") == data + "--seed|1|--patch|64|--turns|4|--epochs|20|");
  BOOST_TEST(arguments(plan, "sam_tiny/fp32/none/single") == data + "--seed|1|--turns|4|--weights|a b.pth|--patch=32|");
  BOOST_TEST(!made.options.equal_minutes());
  BOOST_TEST(made.run(plan));

  made.options.chosen[1].words[1] = "30";  // makes anew the run that it is for, and no other
  plan = axonzoo::plan_comparison(made.options);
  for (const auto& one : plan)
    BOOST_TEST((one.how == (one.run.axes[1] == "bf16" ? state::other_options : state::finished)), one.run.variant());

  made.options.chosen[1].variants = "uned";
  BOOST_CHECK_EXCEPTION((void)axonzoo::plan_comparison(made.options), axonzoo::error,
                        [](const auto& e) { return contains(e.what(), "options to 'uned'"); });
  made.options.chosen[1].variants = "unet//bf16";
  BOOST_CHECK_EXCEPTION((void)axonzoo::plan_comparison(made.options), axonzoo::error,
                        [](const auto& e) { return contains(e.what(), "one to four words"); });
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--for"}, {"--for", "unet"}, {"--for=unet", "--for", "sam", "--weights", "w"}})
    BOOST_CHECK_THROW((void)axonzoo::read_program_options(words), axonzoo::error);
}

BOOST_AUTO_TEST_CASE(damaged_and_absent_records) {
  made_comparison made;
  auto plan = axonzoo::plan_comparison(made.options);
  BOOST_TEST(made.run(plan));
  write_text(plan[0].run.folder / "results.json", "{\"schema\": 1");
  BOOST_TEST((axonzoo::plan_comparison(made.options)[0].how == state::unfinished));

  made_comparison silent("true");
  plan = axonzoo::plan_comparison(silent.options);
  BOOST_TEST(silent.run(plan));
  BOOST_TEST(contains(plan[0].run.reason, "cannot read the results"));
  made_comparison killed("kill -9 $$");
  plan = axonzoo::plan_comparison(killed.options);
  BOOST_TEST(killed.run(plan));
  BOOST_TEST(contains(plan[0].run.reason, "ended by signal 9 (Killed)"));
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense) {
  const auto refused = [](const std::function<void(axonzoo::comparison_options&)>& change, const std::string& part) {
    axonzoo::comparison_options options;
    options.minutes = 1;
    change(options);
    BOOST_CHECK_EXCEPTION(options.check(), axonzoo::error, [&](const auto& e) { return contains(e.what(), part); });
  };
  refused([](auto& o) { o.repeats = 0; }, "--repeats 0");
  refused([](auto& o) { o.minutes = -1; }, "--minutes -1");
  refused([](auto& o) { o.minutes = 0; }, "nothing says how long to train");
  refused([](auto& o) { o.chosen = {{"unet", {"--out", "x"}}}; }, "cannot hand '--out' to the programs");
  refused([](auto& o) { o.further = {"--seed=3"}; }, "cannot hand '--seed=3' to the programs");
  axonzoo::comparison_options steps;
  steps.further = {"--steps", "3"};
  BOOST_CHECK_NO_THROW(steps.check());
}

BOOST_AUTO_TEST_SUITE_END()
