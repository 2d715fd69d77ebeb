#include <filesystem>

#include <boost/test/unit_test.hpp>

#include <axonzoo/report/scratch_folder.hpp>
#include <axonzoo/report/variant_pattern.hpp>

#include "made_record.hpp"

namespace {

std::vector<axonzoo::variant_program> programs() {
  std::vector<axonzoo::variant_program> all;
  for (const char* model : {"segnet", "unet"})
    for (const char* precision : {"bf16", "fp32"})
      for (const char* pruning : {"magnitude", "none"})
        for (const char* parallel : {"ddp", "single"}) all.push_back({{model, precision, pruning, parallel}, "x"});
  return all;
}

std::string names(const std::vector<axonzoo::variant_program>& chosen) {
  std::string text;
  for (const auto& one : chosen) text += (text.empty() ? "" : " ") + one.name() + (one.program.empty() ? "?" : "");
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_variant_pattern)

BOOST_AUTO_TEST_CASE(globs_and_braces) {
  using axonzoo::select_variants;
  BOOST_TEST(names(select_variants(programs(), "unet/*/*/single,segnet/bf16/none/s*")) ==
             "unet/fp32/none/single unet/bf16/none/single unet/fp32/magnitude/single unet/bf16/magnitude/single "
             "segnet/bf16/none/single");
  BOOST_TEST(names(select_variants(programs(), "{segnet,unet}/fp32/none/{ddp,single}")) ==
             "segnet/fp32/none/single segnet/fp32/none/ddp unet/fp32/none/single unet/fp32/none/ddp");
  BOOST_TEST(names(select_variants(programs(), "u?et/bf*/none/single,unet/bf16/none/single")) == "unet/bf16/none/single");
  BOOST_TEST(select_variants(programs(), "*/*/*/*").size() == 16);
}

BOOST_AUTO_TEST_CASE(what_is_not_built_is_named) {
  BOOST_TEST(names(axonzoo::select_variants(programs(), "unet/{fp32,int8}/none/single")) ==
             "unet/fp32/none/single unet/int8/none/single?");
  auto some = programs();
  std::erase_if(some, [](const auto& one) { return one.name() == "unet/bf16/none/single"; });
  BOOST_TEST(names(axonzoo::select_variants(some, "unet/*/none/single")) == "unet/fp32/none/single unet/bf16/none/single?");
}

BOOST_AUTO_TEST_CASE(bad_patterns) {
  for (const auto& [pattern, part] : {std::pair{"unet/fp32/none", "four words"},
                                      {"unet//none/single", "four words"},
                                      {"", "four words"},
                                      {"unet/{fp32/none/single", "braces"},
                                      {"unet/{a,{b}}/none/single", "braces"},
                                      {"sam/*/none/single", "no program"}})
    BOOST_CHECK_EXCEPTION((void)axonzoo::select_variants(programs(), pattern), axonzoo::error,
                          [&](const auto& e) { return contains(e.what(), part); });
}

BOOST_AUTO_TEST_CASE(programs_of_a_folder) {
  const axonzoo::scratch_folder folder;
  for (const char* name :
       {"unet-fp32-none-single", "unet-bf16-none-single", "axonzoo-a-b-c", "test_report", "a-b-c", "a-b-c-d.txt"})
    write_program(folder / "bin", name, "");
  write_text(folder / "bin" / "not-an-executable-file", "");
  std::filesystem::create_directory(folder / "bin" / "a-b-c-d");
  const auto found = axonzoo::find_variant_programs(folder / "bin");
  BOOST_TEST(names(found) == "unet/bf16/none/single unet/fp32/none/single");
  BOOST_TEST(found.at(0).program.string() == (folder / "bin" / "unet-bf16-none-single").string());
  BOOST_CHECK_THROW((void)axonzoo::find_variant_programs(folder / "nowhere"), axonzoo::error);
}

BOOST_AUTO_TEST_SUITE_END()
