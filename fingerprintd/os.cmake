# The guess at the client's OS: pure, and of use to the stack as to the gateway.
add_library(fingerprintd_os STATIC os_observe.c os_signature.c)
target_include_directories(fingerprintd_os PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(fingerprintd_os PUBLIC wire PRIVATE strict)
