"""What crosses between processes: framed messages, what they may hold, where engines are found."""
