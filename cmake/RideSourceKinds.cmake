# Every kind of source, in the order in which messages and the reference page name them. A kind is one word here and three files:
#   source_kinds/KIND.cc                     its declaration, declare_KIND()
#   producer/sources/KIND_source.cc          its maker, make_KIND_source()
#   tests/producer/KIND_source_test.cc       its test
# The tables of declarations and makers are written from this list, as calls. A static library would drop an object that
# nothing names, and with it a kind that registers itself: here a kind without its declaration, maker or test does not build.
set(RIDE_SOURCE_KINDS camera video directory synthetic topic)

# ride_kind_table(OUT template.cc.in DECLARATION ENTRY): a source file in the binary folder, in which every kind has its DECLARATION
# at @RIDE_FUNCTIONS@ and its ENTRY at @RIDE_ENTRIES@. KIND stands for the kind's name in both.
function(ride_kind_table out template declaration entry)
  set(RIDE_FUNCTIONS "")
  set(RIDE_ENTRIES "")
  foreach(kind ${RIDE_SOURCE_KINDS})
    string(REPLACE KIND ${kind} function "${declaration}")
    string(REPLACE KIND ${kind} one "${entry}")
    string(APPEND RIDE_FUNCTIONS "${function};\n")
    string(APPEND RIDE_ENTRIES "      ${one},\n")
  endforeach()
  configure_file(${template} ${CMAKE_CURRENT_BINARY_DIR}/${out} @ONLY)
endfunction()

# ride_kind_files(OUT pattern): the pattern once for each kind.
function(ride_kind_files out pattern)
  set(files "")
  foreach(kind ${RIDE_SOURCE_KINDS})
    string(REPLACE KIND ${kind} file "${pattern}")
    list(APPEND files ${file})
  endforeach()
  set(${out} ${files} PARENT_SCOPE)
endfunction()
