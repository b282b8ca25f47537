;; In init.el. C-c C-c saves and runs the cell at point in the prompt of latentlive, C-c C-r the region.
(defun latentlive-cell ()
  "Save, and run the cell at point in the prompt."
  (interactive)
  (save-buffer)
  (message "%s" (shell-command-to-string
                 (format "latentlive send %s 2>&1"
                         (shell-quote-argument
                          (format "%s:%d" (buffer-file-name) (line-number-at-pos)))))))
(defun latentlive-region (from to)
  "Run the region in the prompt."
  (interactive "r")
  (shell-command-on-region from to "latentlive send -"))
(with-eval-after-load 'python
  (define-key python-mode-map (kbd "C-c C-c") #'latentlive-cell)
  (define-key python-mode-map (kbd "C-c C-r") #'latentlive-region))
