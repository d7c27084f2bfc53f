#include "copy-binary/copy_binary.hpp"

int main(int argc, char** argv) { return module::serve(copy_binary::description, &copy_binary::run, argc, argv); }
