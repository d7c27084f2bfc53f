#include "decommission_legacy.hpp"

int main(int argc, char** argv) {
  return module::serve(decommission_legacy::description(), decommission_legacy::run, argc, argv);
}
