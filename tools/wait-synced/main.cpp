#include "wait_synced.hpp"

int main(int argc, char** argv) { return module::serve(wait_synced::description(), wait_synced::run, argc, argv); }
