module example.org/jzse-backup

go 1.20
