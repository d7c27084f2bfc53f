#include "rolling_restart.hpp"

int main(int argc, char** argv) {
  return module::serve(rolling_restart::description(), rolling_restart::run, argc, argv);
}
