# bitwright_library(name SOURCES file... DEPS target...): target bitwright_NAME, alias bitwright::NAME.
# A folder's CMakeLists.txt is its dependency list.
function(bitwright_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(bitwright_${name} STATIC ${ARG_SOURCES})
  add_library(bitwright::${name} ALIAS bitwright_${name})
  target_include_directories(bitwright_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(bitwright_${name} PUBLIC fmt::fmt ${ARG_DEPS} PRIVATE bitwright_warnings)
  target_precompile_headers(bitwright_${name} REUSE_FROM bitwright_pch)
endfunction()

# bitwright_test(name LABEL fast|compile|torch|emulator SOURCES file... DEPS target...): one test program, one ctest per case.
function(bitwright_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest_main GTest::gmock bitwright_warnings)
  target_compile_definitions(${name} PRIVATE
    BITWRIGHT_SOURCE_DIR="${PROJECT_SOURCE_DIR}" BITWRIGHT_BINARY_DIR="${PROJECT_BINARY_DIR}")
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# bitwright_embed(target file...): the files' bytes, found at run time under their path from the project's root
# (core/embedded.h).
function(bitwright_embed target)
  set(assembly ${CMAKE_CURRENT_BINARY_DIR}/${target}_data.S)
  set(text ".section .rodata\n")
  set(table "")
  set(index 0)
  foreach(file ${ARGN})
    file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR} ${file})
    string(APPEND text "begin_${index}: .incbin \"${file}\"\nend_${index}:\nname_${index}: .asciz \"${name}\"\n")
    string(APPEND table ".quad name_${index}, begin_${index}, end_${index} - begin_${index}\n")
    math(EXPR index "${index} + 1")
  endforeach()
  string(APPEND text ".section .data.rel.ro,\"aw\"\n.balign 8\n.globl bitwright_embedded_table\nbitwright_embedded_table:\n${table}"
    ".section .rodata\n.balign 8\n.globl bitwright_embedded_count\nbitwright_embedded_count: .quad ${index}\n"
    ".section .note.GNU-stack,\"\",%progbits\n")
  file(CONFIGURE OUTPUT ${assembly} CONTENT "${text}" @ONLY)
  set_source_files_properties(${assembly} PROPERTIES OBJECT_DEPENDS "${ARGN}")
  target_sources(${target} PRIVATE ${assembly})
endfunction()
