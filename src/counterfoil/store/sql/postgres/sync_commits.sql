SELECT counterfoil.sync_commits();
