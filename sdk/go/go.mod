module placet.example/placet

go 1.19
