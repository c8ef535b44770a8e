# Compiler settings, dependencies and the helper functions that every folder's CMakeLists.txt uses.
option(RIDE_TESTS "Build the tests" ON)
option(RIDE_BENCH "Build the benchmarks" ON)
option(RIDE_WERROR "Treat warnings as errors" OFF)
option(RIDE_FUZZ "Build the fuzz targets with libFuzzer (needs clang)" OFF)
# worker/tasks/README.md has what is built without it.
option(RIDE_SURF "Build the task surf, whose method is under US patent 8,165,401 until 2029: only where you may use it" OFF)
set(RIDE_SANITIZE "" CACHE STRING "Sanitizers, for example 'address,undefined' or 'thread'")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenCV 4 REQUIRED COMPONENTS core imgproc imgcodecs videoio objdetect features2d dnn photo)
find_package(ZXing REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)

add_library(ride_options INTERFACE)
target_include_directories(ride_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(ride_options INTERFACE -Wall -Wextra -Wnon-virtual-dtor -Woverloaded-virtual
  -Wno-missing-field-initializers  # designated initialisers leave fields out on purpose
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # false alarms of g++ 12 at std::string's operator+ (GCC bug 105651)
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>  # sources are included there
  $<$<BOOL:${RIDE_WERROR}>:-Werror>
  $<$<BOOL:${RIDE_WERROR}>:-Wno-error=maybe-uninitialized>)  # false alarms of g++ 12 at std::variant and std::optional
target_link_libraries(ride_options INTERFACE Threads::Threads)
if(RIDE_SANITIZE)
  target_compile_options(ride_options INTERFACE -fsanitize=${RIDE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(ride_options INTERFACE -fsanitize=${RIDE_SANITIZE})
endif()
if(RIDE_FUZZ)  # the coverage that libFuzzer follows
  target_compile_options(ride_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
# OpenCV's imported targets, without their include directories being treated as ours.
add_library(ride_opencv_core INTERFACE)
target_include_directories(ride_opencv_core SYSTEM INTERFACE ${OpenCV_INCLUDE_DIRS})
target_link_libraries(ride_opencv_core INTERFACE opencv_core)

# Where speed does not matter (tools, command lines, set-up, tests) the compiler takes a fifth less time (decision 0041).
function(ride_compile_fast name)
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# ride_library(NAME SOURCES a.cc b.cc LINKS x y [NO_FRAMES]): a static library. NO_FRAMES: no frame
# of a job waits for it.
function(ride_library name)
  cmake_parse_arguments(ARG "NO_FRAMES" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  if(ARG_NO_FRAMES)
    ride_compile_fast(${name})
  endif()
  target_link_libraries(${name} PUBLIC ride_options ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

# ride_program(NAME SOURCES main.cc LINKS x y [NO_FRAMES]): NO_FRAMES as above: a main() and its command line.
function(ride_program name)
  cmake_parse_arguments(ARG "NO_FRAMES" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  if(ARG_NO_FRAMES)
    ride_compile_fast(${name})
  endif()
  target_link_libraries(${name} PRIVATE ride_options ${ARG_LINKS})
endfunction()
