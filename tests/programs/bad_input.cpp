// What a variant program says to bad input: one sentence on standard error, a status that scripts see, and earlier output as it was.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include <axonzoo/parallel/launch_processes.hpp>

#include "made_runs.hpp"

namespace {

const std::string name = "unet-fp32-magnitude-single";

void refuses(const made_folder& folder, const std::string& arguments, const std::string& part, int status = 1, const std::string& program = name) {
  const auto ended = made::run(folder, program, "$P " + arguments);
  BOOST_TEST(ended.status == status, arguments << ": " << ended.err);
  BOOST_TEST(ended.err.find(part) != std::string::npos, arguments << ": " << ended.err);
  BOOST_TEST(ended.err.starts_with("axonzoo: "), ended.err);
  BOOST_TEST(std::count(ended.err.begin(), ended.err.end(), '\n') == 1, ended.err);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(programs_bad_input)

BOOST_AUTO_TEST_CASE(options) {
  if (made::missing(name)) return;
  const made_folder folder;
  made::paired(folder, "d");
  const auto rest = "--data d --out o --steps 2" + made::small_unet;
  refuses(folder, rest + "--colour blue", "--colour", 2);
  refuses(folder, rest + "--keep 0", "--keep 0");
  refuses(folder, rest + "--keep 1.5", "--keep 1.5");
  refuses(folder, rest + "--keep nan", "--keep nan");
  refuses(folder, "--data d --out o --steps 2 --patch 65 --test-subjects s5", "65");
  refuses(folder, "--data d --out o --test-subjects s5", "--minutes");
  refuses(folder, "--data d --out o --steps 2 --test-subjects nobody", "nobody");
  refuses(folder, "--out o --steps 2", "--data");
  refuses(folder, "--data d --out o --steps 2 --pixel-size 0.1 --patch 32", "--pixel-size");
  if (!std::filesystem::exists("/dev/nvidiactl")) refuses(folder, rest + "--device cuda", "--device cuda");
  BOOST_TEST(!std::filesystem::exists(folder.path() / "o/checkpoint.safetensors"));
}

BOOST_AUTO_TEST_CASE(folders) {
  if (made::missing(name)) return;
  const made_folder folder;
  std::filesystem::create_directories(folder.path() / "empty");
  refuses(folder, "--data empty --out o --steps 2", "empty");
  refuses(folder, "--data nowhere --out o --steps 2", "nowhere");
  made::paired(folder, "one", 1);
  refuses(folder, "--data one --out o --steps 2 --patch 32 --test-subjects s5", "one/images/s");
  made::paired(folder, "size");
  folder.png("size/masks/s2.png", 63, 64, 255);
  refuses(folder, "--data size --out o --steps 2 --patch 32", "s2.png");
  made::paired(folder, "cut");
  std::filesystem::resize_file(folder.path() / "cut/images/s2.png", 100);
  refuses(folder, "--data cut --out o --steps 2 --patch 32 --test-subjects s5", "s2.png");
  made::paired(folder, "bare");
  std::filesystem::remove_all(folder.path() / "bare/masks");
  refuses(folder, "--data bare --out o --steps 2", "bare");
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_former_checkpoint) {
  if (made::missing(name)) return;
  const made_folder folder;
  made::paired(folder, "d");
  const auto rest = " --data d --out o" + made::small_unet;
  BOOST_TEST(made::run(folder, name, "$P --steps 5" + rest).status == 0);
  const auto before = made::content(folder.path() / "o/checkpoint.safetensors");
  // no file may grow beyond 8 blocks of 512 or 1024 bytes: writes fail as on a full disk
  const auto ended = made::run(folder, name, "bash -c 'trap \"\" XFSZ; ulimit -f 8; exec \"$0\" --steps 6" + rest + "--seed 2' \"$P\"");
  BOOST_TEST(ended.status == 1, ended.err);
  BOOST_TEST(ended.err.find("safetensors") != std::string::npos, ended.err);
  BOOST_TEST((before == made::content(folder.path() / "o/checkpoint.safetensors")));
}

BOOST_AUTO_TEST_CASE(a_state_of_other_options_is_not_resumed) {
  if (made::missing(name)) return;
  const made_folder folder;
  made::paired(folder, "d");
  const auto rest = "--data d --out o" + made::small_unet;
  BOOST_TEST(made::run(folder, name, "$P --steps 5 " + rest).status == 0);
  refuses(folder, "--steps 9 --seed 7 --resume " + rest, "seed");
  std::filesystem::resize_file(folder.path() / "o/training_state.safetensors", 1000);
  refuses(folder, "--steps 9 --resume " + rest, "training_state.safetensors");
}

BOOST_AUTO_TEST_CASE(weights_to_start_from) {
  if (made::missing(name)) return;
  const made_folder folder;
  made::paired(folder, "d");
  const auto rest = "--data d --steps 2" + made::small_unet;
  BOOST_REQUIRE(made::run(folder, name, "$P --out t " + rest).status == 0);
  const auto whole = made::content(folder.path() / "t/checkpoint.safetensors");
  const auto refuses_weights = [&](const std::string& known, const std::string& wrong, const std::string& part) {
    auto bytes = whole;
    const auto at = bytes.find(known);
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, known);
    folder.text("w.safetensors", bytes.replace(at, known.size(), wrong));
    refuses(folder, rest + "--out o --weights w.safetensors", part);
  };
  refuses_weights(R"("model":"unet")", R"("model":"tenu")", "it is of tenu");
  refuses_weights("axon\\", "noxa\\", "noxa");
  refuses_weights(R"("channels":"1")", R"("channels":"3")", "images of 3 channels and these have 1");
  refuses_weights(R"("variant")", R"("tnairav")", "variant");
  refuses_weights("head0.bias", "head9.bias", "lacks head0.bias");
  refuses_weights(whole.substr(whole.size() - 100), "", "w.safetensors");
  refuses(folder, rest + "--out o --weights nowhere.safetensors", "nowhere.safetensors");
  refuses(folder, rest + "--out o --weights d/images/s0.png", "s0.png");
  BOOST_TEST(!std::filesystem::exists(folder.path() / "o/checkpoint.safetensors"));
  refuses(folder, rest + "--out t --resume --weights t/checkpoint.safetensors", "its weights is null");
}

BOOST_AUTO_TEST_CASE(a_port_in_use) {
  const std::string ddp = "unet-fp32-none-ddp";
  if (made::missing(ddp)) return;
  const made_folder folder;
  made::paired(folder, "d");
  const int handle = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  BOOST_REQUIRE_EQUAL(::bind(handle, reinterpret_cast<const sockaddr*>(&place), sizeof place), 0);
  BOOST_REQUIRE_EQUAL(::listen(handle, 1), 0);
  socklen_t size = sizeof place;
  ::getsockname(handle, reinterpret_cast<sockaddr*>(&place), &size);
  const auto port = std::to_string(ntohs(place.sin_port));
  refuses(folder, "--data d --out o --steps 2 --ranks 2 --port " + port + made::small_unet, port, 1, ddp);
  ::close(handle);
}

BOOST_AUTO_TEST_CASE(ranks_of_different_runs) {
  const std::string ddp = "unet-fp32-none-ddp", other = "unet-bf16-none-ddp";
  if (made::missing(ddp) || made::missing(other)) return;
  const made_folder folder;
  made::paired(folder, "d");
  made::paired(folder, "e");
  std::filesystem::copy_file(folder.path() / "e/images/s1.png", folder.path() / "e/images/s2.png", std::filesystem::copy_options::overwrite_existing);
  std::filesystem::copy_file(folder.path() / "e/masks/s1.png", folder.path() / "e/masks/s2.png", std::filesystem::copy_options::overwrite_existing);
  const auto rank = [&](int number, const std::string& program, const std::string& arguments) {
    return "RANK=" + std::to_string(number) + " '" + made::program(program).string() + "' --steps 2 --out o" + made::small_unet + arguments;
  };
  const auto refuse = [&](const std::string& program, const std::string& arguments, const std::string& part) {
    const auto where = "export MASTER_ADDR=127.0.0.1 MASTER_PORT=" + std::to_string(axonzoo::detail::usable_port(0)) + " WORLD_SIZE=2; ";
    const auto first = made::run(folder, ddp, where + "(" + rank(1, program, arguments) + " 2>second; echo $? >>second) & " + rank(0, ddp, "--data d") + " 2>first; s=$?; wait; (exit $s)");
    BOOST_TEST(first.status == 1);
    const auto said = made::content(folder.path() / "first"), second = made::content(folder.path() / "second");
    BOOST_TEST(said.find("axonzoo: cannot train with rank 1: it was started for another run") == 0U, said);
    BOOST_TEST(second.find("axonzoo: rank 1 cannot train with rank 0: its " + part) == 0U, second);
    BOOST_TEST(second.ends_with("\n1\n"), second);
    BOOST_TEST(!std::filesystem::exists(folder.path() / "o/checkpoint.safetensors"));
  };
  refuse(other, "--data d", "variant/name is \"unet/bf16/none/ddp\" and that of rank 0 is \"unet/fp32/none/ddp\"");
  refuse(ddp, "--data d --learning-rate 0.5", "options/learning_rate is 0.5");
  refuse(ddp, "--data e", "bytes of files/s2, s2.png is ");
  refuse(ddp, "--data d --seed 2", "");
}

BOOST_AUTO_TEST_CASE(sam) {
  if (made::missing("axonzoo-sam")) return;
  const made_folder folder;
  made::paired(folder, "d");
  const auto refuses_sam = [&](const std::string& arguments, const std::string& part, int status) {
    const auto ended = made::run(folder, "axonzoo-sam", "$P --image d/images/s0.png --out o " + arguments);
    BOOST_TEST(ended.status == status, arguments << ": " << ended.err);
    BOOST_TEST(ended.err.find(part) != std::string::npos, arguments << ": " << ended.err);
    BOOST_TEST(ended.err.starts_with("axonzoo-sam: "), ended.err);
  };
  std::ofstream(folder.at("w.pth")) << "no weights";
  std::ofstream(folder.at("b.npy")) << "no boxes";
  refuses_sam("--weights w.pth", "--boxes", 2);
  refuses_sam("--weights w.pth --boxes b.npy --automatic", "--automatic", 2);
  refuses_sam("--weights w.pth --points b.npy", "--labels", 2);
  refuses_sam("--weights w.pth --boxes b.npy --precision fp8", "fp8", 2);
  refuses_sam("--weights w.pth --boxes b.npy", "b.npy", 1);
  refuses_sam("--weights w.pth --automatic", "w.pth", 1);
}

BOOST_AUTO_TEST_SUITE_END()
