# ride_add_plugin(NAME source.cc ...): NAME.so, a plug-in of RIDE. Links ride::sdk; link what else it needs with
# target_link_libraries(NAME PRIVATE ...).
function(ride_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE Ride::sdk)
  target_compile_features(${name} PRIVATE cxx_std_20)
  # Only ride_plugin() is seen from outside, so that two plug-ins, or a plug-in and RIDE, never mix up what they hold; and what
  # is not there is found by the linker, not by the worker that loads it. (Sanitizers leave symbols open on purpose.)
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(NOT RIDE_SANITIZE)
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()
endfunction()
