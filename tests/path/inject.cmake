# Included when the tree under test calls project(): adds the worker once its libraries are known.
function(varscope_add_push)
  add_executable(varscope_push_path ${VARSCOPE_PUSH_SOURCE})
  target_link_libraries(varscope_push_path PRIVATE varscope)
  target_include_directories(varscope_push_path PRIVATE
    ${PROJECT_SOURCE_DIR}/client/include ${PROJECT_SOURCE_DIR}/proto/include ${PROJECT_SOURCE_DIR})
endfunction()
cmake_language(DEFER CALL varscope_add_push)
