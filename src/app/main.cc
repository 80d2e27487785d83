#include "simgpu/app/run.h"

int main(int argc, char** argv) {
  return simgpu::app::run(argc, argv);
}
