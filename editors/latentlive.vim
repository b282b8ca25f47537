" In ~/.vimrc or ~/.config/nvim/init.vim. Space, then Enter: save, and run the cell under the cursor in
" the prompt of latentlive. In visual mode: run the selected lines.
function! LatentliveCell()
  silent update
  echo system('latentlive send ' . shellescape(expand('%:p') . ':' . line('.')))
endfunction
function! LatentliveLines() range
  echo system('latentlive send -', getline(a:firstline, a:lastline))
endfunction
nnoremap <silent> <Space><CR> :call LatentliveCell()<CR>
vnoremap <silent> <Space><CR> :call LatentliveLines()<CR>
