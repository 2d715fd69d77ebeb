#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>

#include <boost/test/unit_test.hpp>

#include <axonzoo/core/progress.hpp>

using namespace axonzoo;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(core_progress)

BOOST_AUTO_TEST_CASE(durations_read_well) {
  BOOST_TEST(duration_text(0) == "0 s");
  BOOST_TEST(duration_text(59.4) == "59 s");
  BOOST_TEST(duration_text(59.6) == "1 min 00 s");
  BOOST_TEST(duration_text(185) == "3 min 05 s");
  BOOST_TEST(duration_text(7440) == "2 h 04 min");
  BOOST_TEST(duration_text(-1) == "0 s");
}

BOOST_AUTO_TEST_CASE(a_line_tells_share_rate_and_time_left) {
  BOOST_TEST(progress::line("training", 50, 200, 10, "loss 0.3", 0) == "training  25 %, 50 of 200, 5/s, 30 s left, loss 0.3");
  BOOST_TEST(progress::line("training", 200, 200, 10, "", 0) == "training 100 %, 200 of 200, 20/s, 10 s");
  BOOST_TEST(progress::line("training", 199.99, 200, 0, "", 0).find(" 99 %") != std::string::npos);
  BOOST_TEST(progress::line("training", 50, 100, 10, "", 4).starts_with("training [##  ]  50 %"));
  BOOST_TEST(progress::line("training", 150, 200, 10, "", 0, 100) == "training  75 %, 150 of 200, 5/s, 10 s left");
  BOOST_TEST(progress::line("training", 100, 200, 10, "", 0, 100) == "training  50 %, 100 of 200");
  BOOST_TEST(progress::line("reading", 12, 0, 4, "", 20) == "reading 12, 3/s, 4 s");
  BOOST_TEST(progress::line("reading", 0, 10, 4, "", 0) == "reading   0 %, 0 of 10");
  BOOST_TEST(progress::line("more", 11, 10, 1, "", 0).find("100 %") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_log_gets_plain_lines_at_intervals_and_the_last_state) {
  std::ostringstream out;
  {
    progress bar("segmenting", 1000, out);
    for (int i = 1; i <= 1000; ++i) bar.at(i);
  }
  BOOST_TEST(out.str().starts_with("segmenting 100 %, 1000 of 1000"));
  const std::string log = out.str();
  BOOST_TEST(std::count(log.begin(), log.end(), '\n') == 1);
  BOOST_TEST((out.str().find('\r') == std::string::npos));

  std::ostringstream every;
  {
    progress bar("segmenting", 3, every, 0s);
    for (int i = 1; i <= 3; ++i) bar.at(i, "image");
  }
  const std::string lines = every.str();
  BOOST_TEST(std::count(lines.begin(), lines.end(), '\n') == 3);

  std::ostringstream resumed;
  {
    progress bar("training", 200, resumed);
    bar.from(100);
    bar.at(100);
  }
  BOOST_TEST(resumed.str() == "training  50 %, 100 of 200\n");

  std::ostringstream nothing;
  { const progress bar("segmenting", 3, nothing); }
  BOOST_TEST(nothing.str().empty());
}

BOOST_AUTO_TEST_CASE(a_failing_stream_does_no_harm) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  progress bar("segmenting", 3, out, 0s);
  bar.at(1);
  BOOST_TEST(out.str().empty());
}

BOOST_AUTO_TEST_SUITE_END()
