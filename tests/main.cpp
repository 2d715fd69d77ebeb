#define BOOST_TEST_MODULE axonzoo
#include <boost/test/unit_test.hpp>
