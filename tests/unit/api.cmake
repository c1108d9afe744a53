foreach(name cursor encoded_word model query route tokens)
  hs_unit_test(api_${name}_test SOURCES unit/api/${name}_test.c LIBS api_core PkgConfig::CJSON PkgConfig::SQLITE)
endforeach()
