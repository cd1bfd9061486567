# find_package(varscope): the target varscope::varscope, with what it links.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(ZLIB)
find_dependency(Protobuf)
find_dependency(gRPC CONFIG)
find_dependency(absl CONFIG)
find_dependency(spdlog CONFIG)
include(${CMAKE_CURRENT_LIST_DIR}/varscope-targets.cmake)
