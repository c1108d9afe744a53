add_executable(emitter support/emitter.c)
target_link_libraries(emitter PRIVATE strict daemon)
