#include <csignal>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <sys/wait.h>

#include <axonzoo/core/interrupt.hpp>

using namespace axonzoo;

namespace {

/// How a child ends that catches interrupts, raises the signals and leaves with 3 if it then knows of an interrupt, else 4.
int status_after(std::initializer_list<int> signals) {
  const pid_t child = ::fork();
  if (child == 0) {
    catch_interrupts();
    for (const int signal : signals) ::raise(signal);
    ::_exit(interrupted() ? 3 : 4);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(core_interrupt)

BOOST_AUTO_TEST_CASE(the_first_signal_is_noted) {
  BOOST_TEST(!interrupted());
  for (const int signal : {SIGINT, SIGTERM}) {
    const int status = status_after({signal});
    BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 3));
  }
  const int status = status_after({});
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 4));
}

BOOST_AUTO_TEST_CASE(the_second_kills_whichever_it_is) {
  for (const int first : {SIGINT, SIGTERM})
    for (const int second : {SIGINT, SIGTERM}) {
      const int status = status_after({first, second});
      BOOST_TEST((WIFSIGNALED(status) && WTERMSIG(status) == second));
    }
}

BOOST_AUTO_TEST_SUITE_END()
