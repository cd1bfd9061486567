# The hot kernels once more for each later x86-64, from the same sources: variants.cc chooses one when
# the process starts.
set(hot_kernels
  kernels/binary.cc kernels/depthwise.cc kernels/hot.cc kernels/pool.cc kernels/reduce.cc
  kernels/softmax.cc kernels/spread.cc kernels/unary.cc)
target_sources(varscope_kernels PRIVATE ${hot_kernels} kernels/variants.cc)

# One object, in which everything but the table of its kernels is local: the linker must not take a
# template of the standard library from here for callers that run on any processor. Without its
# groups no linker takes another object's copy for the one here, either.
function(varscope_kernel_variant name)
  set(library varscope_kernels_${name})
  set(table varscope_hot_kernels_${name})
  set(object ${CMAKE_CURRENT_BINARY_DIR}/hot_kernels_${name}.o)
  add_library(${library} OBJECT ${hot_kernels})
  set_target_properties(${library} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
  # Without contraction all but Eigen's functions give the same bits in every variant. GCC 12 warns
  # of its own AVX-512 header.
  target_compile_options(${library} PRIVATE
    -O3 -fno-trapping-math -march=x86-64-${name} -ffp-contract=off -fno-lto
    "$<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique;-Wno-maybe-uninitialized;-Wno-uninitialized>")
  target_link_libraries(${library} PRIVATE varscope_core Eigen3::Eigen)
  add_custom_command(OUTPUT ${object}
    COMMAND ${CMAKE_OBJCOPY} --remove-section=.group
      --redefine-sym varscope_hot_kernels=${table} $<TARGET_OBJECTS:${library}> ${object}
    COMMAND ${CMAKE_OBJCOPY} --keep-global-symbol=${table} ${object}
    DEPENDS ${library} $<TARGET_OBJECTS:${library}> VERBATIM)
  target_sources(varscope_kernels PRIVATE ${object})
endfunction()

# Other processors have one variant, and so have the sanitizers, which look at the same sources.
set(variants "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8
    AND CMAKE_OBJCOPY AND NOT VARSCOPE_SANITIZE)
  set(variants v3 v4)
  set_source_files_properties(kernels/variants.cc PROPERTIES
    COMPILE_DEFINITIONS VARSCOPE_X86_64_VARIANTS)
endif()
foreach(variant ${variants})
  varscope_kernel_variant(${variant})
endforeach()
set_property(GLOBAL PROPERTY varscope_kernel_variants ${variants})
