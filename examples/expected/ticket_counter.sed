s/^Guichet [1-4]: //
