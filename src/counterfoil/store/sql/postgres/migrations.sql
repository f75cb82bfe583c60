SELECT number, checksum FROM counterfoil.migration;
